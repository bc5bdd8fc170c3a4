import { isAbsolute, join } from "node:path";
import { type TObject, TypeGuard } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { wrongWith } from "./check.ts";
import { type Complaint, ConfigError } from "./complain.ts";
import { type Environment, FILE_VARIABLE, readEnvironment } from "./environment.ts";
import type { Files } from "./files.ts";
import { KEY_BY_NAME, KEYS } from "./keys.ts";
import { complaintsAcross, type Settings, SettingsSchema } from "./schema.ts";
import { takeSecretFiles } from "./secret-files.ts";
import { placeOf, type Source, type Written } from "./source.ts";
import { readTomlFile } from "./toml-file.ts";
import { yetToCome } from "./yet-to-come.ts";

const SYSTEM_FILE = "/etc/icebreaker/icebreaker.toml";
const LOCAL_FILE = "icebreaker.toml";
const SYSTEM_STATE = "/var/lib/icebreaker";
const LOCAL_STATE = "state";

/** The settings in force, and how they came about. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** The file that was read, if there was one. */
  readonly file: string | undefined;
  /** Where each setting's value came from, by its name. */
  readonly sources: ReadonlyMap<string, Source>;
  /** Every setting as it is written; secrets too, so whoever shows them masks them. `undefined` where none is set. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Sentences for the log at start. */
  readonly warnings: readonly string[];
  /** Which of the warnings is about features that are yet to come, if one is. */
  readonly yetToCome: string | undefined;
}

/** What settings are loaded from. */
export interface LoadRequest {
  /** The value of `--config`. */
  readonly flag: string | undefined;
  readonly env: Environment;
  /** The working directory, absolute. */
  readonly cwd: string;
  readonly files: Files;
}

/**
 * Finds, reads and checks the configuration: defaults, then the file, then the environment.
 *
 * @throws {ConfigError} with every complaint there is, not the first alone
 */
export function loadSettings(request: LoadRequest): LoadedSettings {
  const file = findFile(request);
  const toml = file === undefined ? undefined : readTomlFile(request.files, file);
  const overlay = readEnvironment(request.env);

  const fromFile = new Map(toml?.written);
  const fromEnvironment = new Map(overlay.written);
  const complaints: Complaint[] = [...(toml?.complaints ?? [])];
  complaints.push(...takeSecretFiles(fromFile, request), ...takeSecretFiles(fromEnvironment, request));

  const written = new Map([...fromFile, ...fromEnvironment]);
  for (const complaint of complaintsAbout(written)) {
    complaints.push(complaint);
    written.delete(complaint.key);
  }
  const tables = toml?.tables ?? new Set<string>();
  const settings = read(written, tables, request);
  complaints.push(...furtherComplaints(settings, written, complaints));
  if (complaints.length > 0) throw new ConfigError(complaints);
  return { settings, file, ...effective(written, tables, settings, overlay.warnings) };
}

/** Whether a setting was written somewhere, even if to its default: such a listener's port is never replaced. */
export function isConfigured({ sources }: LoadedSettings, name: string): boolean {
  return sources.get(name)?.kind !== "default";
}

function findFile({ flag, env, cwd, files }: LoadRequest): string | undefined {
  const named = flag ?? env[FILE_VARIABLE];
  if (named === undefined || (flag === undefined && named === "")) {
    return [SYSTEM_FILE, join(cwd, LOCAL_FILE)].find((path) => files.exists(path));
  }
  const path = isAbsolute(named) ? named : join(cwd, named);
  if (files.exists(path)) return path;
  const key = flag === undefined ? FILE_VARIABLE : "--config";
  throw new ConfigError([{ key, problem: `names ${path}, which is not there`, remedy: "correct the path, or leave it out" }]);
}

function complaintsAbout(written: ReadonlyMap<string, Written>): Complaint[] {
  return [...written].flatMap(([name, { value }]) => {
    const key = KEY_BY_NAME.get(name);
    const wrong = key && wrongWith(key.schema, value);
    return wrong ? [located({ key: name, ...wrong }, written)] : [];
  });
}

/** What is wrong across keys, but for tables that have a wrong key already: half of what they say is missing here. */
function furtherComplaints(settings: Settings, written: ReadonlyMap<string, Written>, before: readonly Complaint[]): Complaint[] {
  const tableOf = (key: string): string => key.split(".")[0] ?? key;
  const wrong = new Set(before.map(({ key }) => tableOf(key)));
  const further = [...complaintsAcross(settings)].filter(({ key }) => !wrong.has(tableOf(key)));
  return further.map((complaint) => located(complaint, written));
}

function located(complaint: Complaint, written: ReadonlyMap<string, Written>): Complaint {
  const source = written.get(complaint.key)?.source;
  const at = source && placeOf(source);
  return at === undefined ? complaint : { ...complaint, at };
}

/** Puts the written values and the defaults together, and reads them. */
function read(written: ReadonlyMap<string, Written>, tables: ReadonlySet<string>, request: LoadRequest): Settings {
  const whole = assemble(SettingsSchema, "", written, tables);
  const { state_dir, ...settings } = Value.Decode(SettingsSchema, whole);
  return { ...settings, state_dir: state_dir ?? defaultStateDir(request) };
}

function assemble(
  schema: TObject,
  prefix: string,
  written: ReadonlyMap<string, Written>,
  tables: ReadonlySet<string>,
): Record<string, unknown> {
  const whole: Record<string, unknown> = {};
  for (const [property, inner] of Object.entries(schema.properties)) {
    const name = prefix + property;
    if (TypeGuard.IsObject(inner)) {
      const absent = TypeGuard.IsOptional(inner) && !tables.has(name) && !mentions(written, `${name}.`);
      if (!absent) whole[property] = assemble(inner, `${name}.`, written, tables);
      continue;
    }
    const value = written.has(name) ? written.get(name)?.value : inner.default;
    if (value !== undefined) whole[property] = value;
  }
  return whole;
}

function mentions(written: ReadonlyMap<string, Written>, prefix: string): boolean {
  return [...written.keys()].some((name) => name.startsWith(prefix));
}

function defaultStateDir({ env, cwd, files }: LoadRequest): string {
  const given = env.STATE_DIRECTORY?.split(":")[0]; // systemd's list; the first is ours
  if (given) return given;
  return files.exists(SYSTEM_STATE) ? SYSTEM_STATE : join(cwd, LOCAL_STATE);
}

function effective(
  written: ReadonlyMap<string, Written>,
  tables: ReadonlySet<string>,
  settings: Settings,
  warnings: readonly string[],
): Pick<LoadedSettings, "sources" | "values" | "warnings" | "yetToCome"> {
  const sources = new Map<string, Source>();
  const values = new Map<string, unknown>();
  const changed = [...tables];
  for (const { name, schema } of KEYS) {
    const set = written.get(name);
    sources.set(name, set?.source ?? { kind: "default" });
    values.set(name, set === undefined ? defaultOf(name, schema.default, settings) : set.value);
    if (set !== undefined && !Value.Equal(set.value, schema.default)) changed.push(name);
  }
  const coming = yetToCome(changed);
  return { sources, values, warnings: coming === undefined ? warnings : [...warnings, coming], yetToCome: coming };
}

/** Of an absent table nothing is in force, not even its defaults. */
function defaultOf(name: string, value: unknown, settings: Settings): unknown {
  if (name === "state_dir") return settings.state_dir;
  if (name.startsWith("tls.acme.") && settings.tls.acme === undefined) return undefined;
  return value;
}
