import { CommanderError } from "commander";
import { ConfigError, formatComplaint } from "../config/complain.ts";
import { withoutApiKeys } from "../credentials/api-key.ts";

/** What was typed is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** It could not be done: exit code 1. The sentence names what to change. */
export class Failure extends Error {
  override readonly name = "Failure";
}

const USAGE = 2;
const FAILED = 1;

/** What a person reads of a failure, a sentence each, and the exit code. */
export interface Report {
  readonly code: number;
  readonly sentences: readonly string[];
}

/** Turns whatever a command threw into sentences and an exit code. */
export function reportOf(error: unknown): Report {
  const { code, sentences } = findingsOf(error);
  return { code, sentences: sentences.map(withoutApiKeys) };
}

function findingsOf(error: unknown): Report {
  if (error instanceof CommanderError) return usageReport(error);
  if (error instanceof UsageError) return { code: USAGE, sentences: [error.message] };
  if (error instanceof ConfigError) {
    const unknown = error.complaints.some(({ unknownKey }) => unknownKey === true);
    return { code: unknown ? USAGE : FAILED, sentences: error.complaints.map(formatComplaint) };
  }
  return { code: FAILED, sentences: [error instanceof Error ? error.message : `${error}`] };
}

/** The parser's findings in our words; it has found the nearest valid word already. */
function usageReport({ code, exitCode, message }: CommanderError): Report {
  if (code === "commander.help" || exitCode === 0) return { code: exitCode === 0 ? 0 : USAGE, sentences: [] };
  const [first = "", suggestion = ""] = message.replace(/^error: /, "").split("\n");
  const [, word = ""] = /'([^']*)'/.exec(first) ?? [];
  const [, meant] = /\(Did you mean (?:one of )?(.*)\?\)/.exec(suggestion) ?? [];
  const hint = meant === undefined ? 'see "icebreaker help"' : `did you mean ${meant.replace(/, (?=[^,]*$)/, " or ")}?`;
  if (code === "commander.unknownCommand") return { code: USAGE, sentences: [`there is no command "${word}": ${hint}`] };
  if (code === "commander.unknownOption") return { code: USAGE, sentences: [`there is no flag ${word} here: ${hint}`] };
  if (code === "commander.missingArgument") return { code: USAGE, sentences: [`${word.toUpperCase()} is missing`] };
  return { code: USAGE, sentences: [first] };
}
