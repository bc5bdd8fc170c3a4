import { type TSchema, TypeGuard } from "@sinclair/typebox";
import { TransformDecodeError, Value } from "@sinclair/typebox/value";
import { nearest } from "../lib/nearest.ts";

/** What is wrong with a value, and what to do; both go on from the key. */
export interface Wrong {
  readonly problem: string;
  readonly remedy?: string;
}

/**
 * Holds a value to what its schema says.
 *
 * @returns the first thing wrong, or `undefined`; never the text of a secret
 */
export function wrongWith(schema: TSchema, value: unknown): Wrong | undefined {
  if (TypeGuard.IsArray(schema)) return wrongWithList(schema.items, schema.minItems ?? 0, value);
  if (TypeGuard.IsRecord(schema)) return wrongWithTable(schema.patternProperties, value);
  const shown = schema.secret === true ? "" : `${show(value)}, `;
  if (TypeGuard.IsBoolean(schema)) return typeof value === "boolean" ? undefined : { problem: `is ${shown}not true or false` };
  if (TypeGuard.IsInteger(schema)) {
    const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema;
    const good = typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum;
    return good ? undefined : { problem: `is ${shown}not a whole number from ${minimum} to ${maximum}` };
  }
  if (typeof value !== "string") return { problem: `is ${shown}not a text`, remedy: "put it in quotes" };
  return wrongWithWord(schema.words, value) ?? wrongWithText(schema, value);
}

function wrongWithList(items: TSchema, least: number, value: unknown): Wrong | undefined {
  if (!Array.isArray(value)) return { problem: `is ${show(value)}, not a list`, remedy: "put it in square brackets" };
  if (value.length < least) return { problem: "is an empty list", remedy: "name one at least, or take it out" };
  for (const item of value) {
    const wrong = wrongWith(items, item);
    if (wrong) return { ...wrong, problem: wrong.problem.replace(/^is /, "has ") };
  }
  return undefined;
}

function wrongWithTable(patterns: Record<string, TSchema>, value: unknown): Wrong | undefined {
  if (!isTable(value)) return { problem: `is ${show(value)}, not a table`, remedy: 'write { "name" = "value" }' };
  const schema = Object.values(patterns)[0];
  for (const [name, item] of Object.entries(value)) {
    const wrong = schema && wrongWith(schema, item);
    if (wrong) return { ...wrong, problem: `for "${name}" ${wrong.problem}` };
  }
  return undefined;
}

/** A plain table of a TOML file; dates are none. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function wrongWithWord(words: unknown, value: string): Wrong | undefined {
  if (!Array.isArray(words) || words.includes(value)) return undefined;
  const meant = nearest(value, words);
  const problem = `is ${show(value)}, not one of ${words.join(", ")}`;
  return meant === undefined ? { problem } : { problem, remedy: `did you mean "${meant}"?` };
}

/** The parser's sentence: `"x" is not …`, or one that needs no subject. What follows its colon is the remedy. */
function wrongWithText(schema: TSchema, value: string): Wrong | undefined {
  try {
    Value.Decode(schema, value);
    return undefined;
  } catch (error) {
    if (!(error instanceof TransformDecodeError)) throw error;
    const { message } = error.error;
    const subject = `"${value}"`;
    const rest = message.startsWith(subject) ? message.slice(subject.length).replace(/^ /, ", which ") : message;
    const [, tail = rest, remedy] = /^(.*?): (.*)$/.exec(rest) ?? [];
    const problem = message.startsWith(subject) ? `is ${subject}${tail}` : tail;
    return remedy === undefined ? { problem } : { problem, remedy };
  }
}

function show(value: unknown): string {
  if (value instanceof Date) return "a date";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a table";
  return typeof value === "string" ? `"${value}"` : `${value}`;
}
