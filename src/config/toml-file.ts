import { type TObject, TypeGuard } from "@sinclair/typebox";
import { parse, TomlError } from "smol-toml";
import { isTable } from "./check.ts";
import { type Complaint, ConfigError, type Place, unknownKey } from "./complain.ts";
import { type Files, whyUnreadable } from "./files.ts";
import { KEY_NAMES, TABLE_NAMES } from "./keys.ts";
import { keyPositions } from "./positions.ts";
import { SettingsSchema } from "./schema.ts";
import type { Written } from "./source.ts";

/** What a file says, by the names of its keys; nothing is checked yet but the names. */
export interface TomlFile {
  readonly written: ReadonlyMap<string, Written>;
  /** Tables that were named, also empty ones. */
  readonly tables: ReadonlySet<string>;
  readonly complaints: readonly Complaint[];
}

/**
 * Reads a configuration file.
 *
 * @throws {ConfigError} if it cannot be read, or is not TOML: with line and column, and never with the line itself,
 *   which may hold a secret
 */
export function readTomlFile(files: Files, path: string): TomlFile {
  const text = readText(files, path);
  const positions = keyPositions(text);
  const place = (key: string): Place => {
    const { line, column } = positions.get(key) ?? positions.get(parent(key)) ?? { line: 1, column: 1 };
    return { file: path, line, column };
  };
  return new Flattening(place).flatten(parseToml(text, path));
}

function readText(files: Files, path: string): string {
  try {
    return files.read(path);
  } catch (error) {
    throw new ConfigError([{ key: path, problem: whyUnreadable(files, path, error) }]);
  }
}

function parseToml(text: string, file: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason = ""] = error.message.replace("Invalid TOML document: ", "").split("\n");
    const at = { file, line: error.line, column: error.column };
    throw new ConfigError([{ key: "this", problem: `is not TOML (${reason})`, at }]);
  }
}

function parent(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf(".")));
}

/** Takes the tables apart along the schema. */
class Flattening implements TomlFile {
  readonly written = new Map<string, Written>();
  readonly tables = new Set<string>();
  readonly complaints: Complaint[] = [];
  readonly #place: (key: string) => Place;

  constructor(place: (key: string) => Place) {
    this.#place = place;
  }

  flatten(document: Record<string, unknown>): this {
    this.#table(SettingsSchema, "", document);
    return this;
  }

  #table(schema: TObject, prefix: string, table: Record<string, unknown>): void {
    for (const [property, value] of Object.entries(table)) {
      const name = prefix + property;
      const inner = Object.hasOwn(schema.properties, property) ? schema.properties[property] : undefined;
      const place = this.#place(name);
      if (inner !== undefined && TypeGuard.IsObject(inner)) {
        this.tables.add(name);
        if (isTable(value)) this.#table(inner, `${name}.`, value);
        else
          this.complaints.push({
            key: name,
            problem: "is a table of settings, not a value",
            remedy: `write [${name}]`,
            at: place,
          });
      } else if (KEY_NAMES.includes(name)) {
        this.written.set(name, { value, source: { kind: "file", place } });
      } else {
        this.complaints.push(unknownKey(name, [...KEY_NAMES, ...TABLE_NAMES], place));
      }
    }
  }
}
