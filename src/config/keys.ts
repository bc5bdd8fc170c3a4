import { type TObject, type TSchema, TypeGuard } from "@sinclair/typebox";
import { SettingsSchema } from "./schema.ts";

/** One setting, out of its tables. */
export interface Key {
  /** `relay.peers.allow`. */
  readonly name: string;
  readonly schema: TSchema;
  /** The environment variable that overrides it; tables have none. */
  readonly variable: string | undefined;
  /** Whether its value must not print, and may be given as a file. */
  readonly secret: boolean;
  /** Whether a running gateway cannot take it up. */
  readonly restart: boolean;
}

/** What every environment variable of ours begins with. */
export const VARIABLE_PREFIX = "ICEBREAKER_";

/** Every setting, in the order of the schema. */
export const KEYS: readonly Key[] = [...keysOf(SettingsSchema, "")];

/** The same by name. */
export const KEY_BY_NAME: ReadonlyMap<string, Key> = new Map(KEYS.map((key) => [key.name, key]));

/** The names that a file may use: the settings, and for a secret the name of a file that holds it. */
export const KEY_NAMES: readonly string[] = KEYS.flatMap(({ name, secret }) => (secret ? [name, `${name}_file`] : [name]));

/** The tables that hold them, and the tables that hold those. */
export const TABLE_NAMES: readonly string[] = [...new Set(KEYS.flatMap(({ name }) => ancestors(name)))];

/** `listen.udp` → `ICEBREAKER_LISTEN_UDP`. */
export function variableOf(name: string): string {
  return VARIABLE_PREFIX + name.toUpperCase().replaceAll(".", "_");
}

function* keysOf(table: TObject, prefix: string): Generator<Key> {
  for (const [property, schema] of Object.entries(table.properties)) {
    const name = prefix + property;
    if (TypeGuard.IsObject(schema)) yield* keysOf(schema, `${name}.`);
    else
      yield {
        name,
        schema,
        variable: TypeGuard.IsRecord(schema) ? undefined : variableOf(name),
        secret: schema.secret === true,
        restart: schema.restart === true,
      };
  }
}

function ancestors(name: string): string[] {
  const parts = name.split(".").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("."));
}
