import { type TObject, type TSchema, TypeGuard } from "@sinclair/typebox";
import { KEYS, variableOf } from "./keys.ts";
import { SettingsSchema } from "./schema.ts";
import { waitsFor } from "./yet-to-come.ts";

const opening = `# Configuration

<!-- Made from src/config by \`npm run configuration-page\`: change the descriptions there. -->

Icebreaker works without any configuration. What you set stands in a TOML file, found at \`--config\`, else at
\`$ICEBREAKER_CONFIG\`, else at \`/etc/icebreaker/icebreaker.toml\`, else at \`./icebreaker.toml\`.

An environment variable overrides the file: \`ICEBREAKER_LISTEN_UDP\` is \`listen.udp\`, and so on for every key but the
tables. Lists have commas between their entries, and an empty variable is an empty list. An unknown \`ICEBREAKER_…\`
variable is a warning that names the nearest; \`ICEBREAKER_PORT…\` and \`ICEBREAKER_SERVICE_…\`, which Kubernetes sets, are
ignored.

A secret can be kept in a file of its own: \`secret_file = "/path"\` in the place of \`secret\`, in the environment
\`…_SECRET_FILE\`. A bare name is looked for in \`$CREDENTIALS_DIRECTORY\` first, where systemd puts its credentials.

\`icebreaker config\` prints what is in force, and where each value came from. An unknown key stops the start, and names
the nearest valid one.

SIGHUP reads everything again. What can be taken up is in force at once, and no live allocation ends for it; what takes a
restart says so below, and is named in the log. Where there is a mistake it is named, and all stays as it was.
`;

/** `docs/configuration.md`: every key with its type, default, limits and variable. */
export function configurationPage(): string {
  return `${[opening, ...tables(SettingsSchema, "")].join("\n").trimEnd()}\n`;
}

function* tables(table: TObject, name: string): Generator<string> {
  const entries = Object.entries(table.properties);
  const leaves = entries.filter(([, schema]) => !TypeGuard.IsObject(schema));
  const prefix = name === "" ? "" : `${name}.`;
  if (leaves.length > 0) {
    yield `## ${name === "" ? "At the top" : `[${name}]`}\n`;
    if (table.description !== undefined) yield `${table.description}\n`;
    for (const [property, schema] of leaves) yield* entry(prefix + property, property, schema);
  }
  for (const [property, schema] of entries) if (TypeGuard.IsObject(schema)) yield* tables(schema, prefix + property);
}

function* entry(name: string, property: string, schema: TSchema): Generator<string> {
  yield `### \`${property}\`\n`;
  yield `${schema.description}${waitsFor(name) !== undefined ? " **Still to come**: accepted, and without effect." : ""}\n`;
  yield `- ${typeText(schema)}`;
  if (schema.default !== undefined) yield `- default: \`${tomlText(schema.default)}\``;
  else yield schema.example === undefined ? "- default: none" : `- default: none; example: \`${tomlText(schema.example)}\``;
  const key = KEYS.find((candidate) => candidate.name === name);
  yield key?.variable === undefined ? "- no environment variable" : `- environment: \`${key.variable}\``;
  if (key?.secret)
    yield `- secret: may be given as \`${property}_file\`, in the environment \`${variableOf(name)}_FILE\`; never printed`;
  if (key?.restart) yield "- a change takes a restart";
  yield "";
}

function typeText(schema: TSchema): string {
  if (TypeGuard.IsArray(schema)) return `list; each entry: ${typeText(schema.items)}`;
  if (TypeGuard.IsRecord(schema))
    return `table of texts; each: ${typeText(Object.values(schema.patternProperties)[0] ?? schema)}`;
  if (TypeGuard.IsBoolean(schema)) return "true or false";
  if (TypeGuard.IsInteger(schema)) {
    const unit = schema.unit === undefined ? "" : `, in ${schema.unit}`;
    return `whole number from ${schema.minimum} to ${schema.maximum}${unit}`;
  }
  if (Array.isArray(schema.words)) return `one of ${schema.words.map((word) => `\`"${word}"\``).join(", ")}`;
  return `${schema.form}`;
}

/** A value as it stands in a file. */
export function tomlText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlText).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)} = ${tomlText(inner)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}
