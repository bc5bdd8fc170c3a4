import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";
import type { Environment } from "../config/environment.ts";
import { type Files, systemFiles } from "../config/files.ts";
import { type Random, randomFrom } from "../lib/random.ts";
import type { Clock } from "../lib/time.ts";

/** A stream that text goes to. */
export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
}

/** Everything that a command touches outside its arguments; a test makes its own. */
export interface World {
  readonly env: Environment;
  /** The working directory, absolute. */
  readonly cwd: string;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Asks the person at the terminal; `undefined` where there is none. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  /** The program that runs. */
  readonly executable: string;
}

/**
 * The real world.
 *
 * Its caller sets `process.exitCode` and lets the process end by itself: `process.exit()` would lose what a pipe has not taken yet.
 */
export function systemWorld(): World {
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true;
  return {
    env: process.env,
    cwd: process.cwd(),
    stdout: { write: (text) => void process.stdout.write(text), isTerminal: process.stdout.isTTY === true },
    stderr: { write: (text) => void process.stderr.write(text), isTerminal: process.stderr.isTTY === true },
    ask: interactive ? askOnStderr : undefined,
    files: systemFiles,
    clock: { now: () => ({ monotonicMs: performance.now(), unixMs: Date.now() }) },
    random: randomFrom(randomBytes),
    executable: process.execPath,
  };
}

/** On stderr, for stdout carries what was asked for and nothing else. */
async function askOnStderr(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}
