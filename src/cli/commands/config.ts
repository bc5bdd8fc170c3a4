import type { Command } from "commander";
import { KEYS } from "../../config/keys.ts";
import type { LoadedSettings } from "../../config/load.ts";
import { mask } from "../../config/mask.ts";
import { tomlText } from "../../config/page.ts";
import { formatSource } from "../../config/source.ts";
import type { Session } from "../session.ts";

/** `icebreaker config`: what is in force, and where each value came from. */
export function configCommand(program: Command, session: Session): void {
  program
    .command("config")
    .description("print the effective configuration, each value with where it came from; secrets are masked")
    .option("--json", "print JSON, on a terminal too")
    .action((options: { json?: boolean }, command: Command) => {
      const loaded = session.load(command);
      for (const warning of loaded.warnings) session.note(`warning: ${warning}`);
      const rows = effective(loaded);
      const cells = rows.map(({ key, value, source }) => [key, value === null ? "" : tomlText(value), source]);
      session.print({ json: rows, table: { columns: ["key", "value", "from"], rows: cells } }, options);
    });
}

function effective({ values, sources }: LoadedSettings): { key: string; value: unknown; source: string }[] {
  return KEYS.map(({ name, secret }) => {
    const value = values.get(name) ?? null;
    const shown = secret && value !== null ? mask(value) : value;
    return { key: name, value: shown, source: formatSource(sources.get(name) ?? { kind: "default" }) };
  });
}
