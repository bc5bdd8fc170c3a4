import type { Sink } from "./world.ts";

/** What a command found, for machines and for people. */
export interface Finding {
  readonly json: unknown;
  /** Columns and rows, or a text that needs none. */
  readonly table: Table | string;
}

/** Rows of as many cells as there are columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Prints a finding: a table on a terminal, else one line of JSON. */
export function print(stdout: Sink, { json, table }: Finding, asJson: boolean): void {
  if (asJson || !stdout.isTerminal) stdout.write(`${JSON.stringify(json)}\n`);
  else stdout.write(typeof table === "string" ? `${table}\n` : formatTable(table));
}

/** Columns beside each other, as wide as their widest cell. */
export function formatTable({ columns, rows }: Table): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return `${[columns, ...rows].map(line).join("\n")}\n`;
}
