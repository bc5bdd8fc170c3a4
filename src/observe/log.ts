import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import { LineWriter } from "./line-writer.ts";

/** Levels of `log.level`. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** One line of the log: fields, then a sentence. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
  set level(level: LogLevel);
}

/**
 * The log on stderr: JSON lines, or readable ones on a terminal. Written at once, so that the last line before an end
 * is there; a line that cannot be written ends nothing.
 */
export function openLog(level: LogLevel, onTerminal: boolean): Log {
  const logger: Logger = onTerminal
    ? pino({ level, base: null }, pretty({ sync: true, destination: 2, translateTime: "HH:MM:ss.l" }))
    : pino({ level, base: null, timestamp, formatters: { level: (label) => ({ level: label }) } }, new LineWriter(lostLine));
  return {
    debug: (fields, sentence) => logger.debug(fields, sentence),
    info: (fields, sentence) => logger.info(fields, sentence),
    warn: (fields, sentence) => logger.warn(fields, sentence),
    error: (fields, sentence) => logger.error(fields, sentence),
    set level(next: LogLevel) {
      logger.level = next;
    },
  };
}

/** In the form of the others. */
function lostLine(lost: number): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level: "warn", time, lost, msg: "Lines of the log could not be written" })}\n`;
}

/** The wall clock in a form that people and machines read alike. */
function timestamp(): string {
  return `,"time":"${new Date().toISOString()}"`;
}
