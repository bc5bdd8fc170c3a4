import { type TSchema, TypeGuard } from "@sinclair/typebox";
import { nearest } from "../lib/nearest.ts";
import { KEYS, VARIABLE_PREFIX } from "./keys.ts";
import type { Written } from "./source.ts";

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the configuration file; no setting. */
export const FILE_VARIABLE = "ICEBREAKER_CONFIG";

/** What Kubernetes sets in every container beside a service called icebreaker. */
const FOREIGN = /^ICEBREAKER_(PORT|SERVICE_)/;

/** What the environment says, by the names of settings. */
export interface Overlay {
  readonly written: ReadonlyMap<string, Written>;
  /** A sentence for each variable that looks like ours and is not. */
  readonly warnings: readonly string[];
}

/**
 * Reads the settings that the environment overrides.
 *
 * Texts become what their settings are, where they can: whole numbers, `true` and `false`, and lists with commas
 * between (nothing at all is the empty list). Where they cannot, they stay texts, and the check complains.
 */
export function readEnvironment(env: Environment): Overlay {
  const written = new Map<string, Written>();
  const known = new Set([FILE_VARIABLE]);
  for (const { name, schema, variable, secret } of KEYS) {
    if (variable === undefined) continue;
    known.add(variable);
    const text = env[variable];
    if (text !== undefined) written.set(name, { value: interpret(schema, text), source: { kind: "environment", variable } });
    if (!secret) continue;
    const fileVariable = `${variable}_FILE`;
    known.add(fileVariable);
    const path = env[fileVariable];
    if (path !== undefined) written.set(`${name}_file`, { value: path, source: { kind: "environment", variable: fileVariable } });
  }
  return { written, warnings: strangers(env, known) };
}

function strangers(env: Environment, known: ReadonlySet<string>): string[] {
  return Object.keys(env)
    .filter((variable) => variable.startsWith(VARIABLE_PREFIX) && !known.has(variable) && !FOREIGN.test(variable))
    .map((variable) => {
      const meant = nearest(variable, known);
      return `${variable} is no setting and is ignored${meant === undefined ? "" : `: did you mean ${meant}?`}`;
    });
}

function interpret(schema: TSchema, text: string): unknown {
  if (TypeGuard.IsArray(schema)) {
    const items = text === "" ? [] : text.split(",");
    return items.map((item) => interpret(schema.items, item.trim()));
  }
  if (TypeGuard.IsInteger(schema) && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (TypeGuard.IsBoolean(schema) && (text === "true" || text === "false")) return text === "true";
  return text;
}
