import { nearest } from "../lib/nearest.ts";

/** A place in a configuration file, as editors count: from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What an operator set wrongly, and what to do about it. */
export interface Complaint {
  /** The setting to change: `relay.ports`, the name of a file, or of a flag. */
  readonly key: string;
  /** Goes on from the key: `has 2 addresses for the 1 of relay.address`. Never holds a secret. */
  readonly problem: string;
  /** What to do, as a command: `give one for each`. */
  readonly remedy?: string;
  /** Where the wrong value stands: a place in a file, or the name of an environment variable. */
  readonly at?: Place | string;
  /** The key itself is unknown: a slip of the fingers, told apart by its exit code. */
  readonly unknownKey?: boolean;
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly complaints: readonly Complaint[];

  constructor(complaints: readonly Complaint[]) {
    super(complaints.map(formatComplaint).join("\n"));
    this.complaints = complaints;
  }
}

/** One complaint in a line: place, key, problem, remedy. */
export function formatComplaint({ key, problem, remedy, at }: Complaint): string {
  return `${at === undefined ? "" : `${formatPlace(at)}: `}${key} ${problem}${remedy === undefined ? "" : `: ${remedy}`}`;
}

/** `file:line:column`, as editors and terminals open it, or the variable's name. */
export function formatPlace(at: Place | string): string {
  return typeof at === "string" ? at : `${at.file}:${at.line}:${at.column}`;
}

/**
 * A key that is none, with the one that was probably meant: the nearest of its table, the same name in another table,
 * or the nearest of all.
 *
 * @param keys every key and table there is
 */
export function unknownKey(key: string, keys: readonly string[], at: Place): Complaint {
  const table = key.slice(0, key.lastIndexOf(".") + 1);
  const name = key.slice(table.length);
  const siblings = keys.filter((candidate) => candidate.startsWith(table)).map((candidate) => candidate.slice(table.length));
  const sibling = nearest(
    name,
    siblings.filter((candidate) => !candidate.includes(".")),
  );
  const elsewhere = keys.find((candidate) => candidate.endsWith(`.${name}`));
  const meant = elsewhere ?? (sibling === undefined ? nearest(key, keys) : table + sibling);
  const remedy = meant === undefined ? "take it out" : `did you mean ${meant}?`;
  return { key, problem: "is no setting", remedy, at, unknownKey: true };
}
