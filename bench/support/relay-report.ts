import { cpus, release } from "node:os";
import { type Case, nameOf, type Run, UNITS } from "./relay-cases.ts";

/** A case with what its rounds gave, by server. */
export interface Row {
  readonly row: Case;
  readonly runs: ReadonlyMap<string, readonly Run[]>;
}

/** One row as it is printed and kept. */
export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly goal: number | undefined;
  readonly ratio: number | undefined;
  readonly servers: Readonly<Record<string, Figures>>;
}

interface Figures {
  readonly figure: number;
  readonly rounds: readonly number[];
  readonly lossPercent: number;
  readonly perSecond: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

/** Medians, and the ratio of the first server's to the second's. */
export function resultOf({ row, runs }: Row): Result {
  const servers = Object.fromEntries([...runs].map(([name, all]) => [name, figuresOf(all)]));
  const [ours, theirs] = [...runs.keys()].map((name) => servers[name]?.figure);
  const ratio = ours === undefined || theirs === undefined ? undefined : Math.round((10_000 * ours) / theirs) / 10_000;
  return { name: nameOf(row), unit: UNITS[row.measure], goal: row.goal, ratio, servers };
}

function figuresOf(runs: readonly Run[]): Figures {
  return {
    figure: Math.round(median(runs.map(({ figure }) => figure)) ?? 0),
    rounds: runs.map(({ figure }) => Math.round(figure)),
    lossPercent: Math.round(10_000 * (median(runs.map(({ loss }) => loss)) ?? 0)) / 100,
    perSecond: Math.round(median(runs.map(({ perSecond }) => perSecond)) ?? 0),
    p50: median(runs.flatMap(({ p50 }) => p50 ?? [])),
    p99: median(runs.flatMap(({ p99 }) => p99 ?? [])),
  };
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

/** What the figures were measured on. */
export function machine(): string {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model.trim() ?? "a processor"}, Linux ${release()}`;
}

/** The table in Markdown, which reads well on a terminal too. */
export function tableOf(results: readonly Result[]): string {
  const names = Object.keys(results[0]?.servers ?? {});
  const header = ["case", "", ...names, ...(names.length > 1 ? ["ratio", "goal", ""] : []), "loss, %"];
  const lines = results.map(({ name, unit, goal, ratio, servers }) => [
    name,
    unit,
    ...names.map((server) => `${servers[server]?.figure ?? ""}`),
    ...(names.length > 1 ? [ratio?.toFixed(2) ?? "", goal?.toFixed(2) ?? "", verdict(ratio, goal)] : []),
    names.map((server) => servers[server]?.lossPercent ?? "").join(" / "),
  ]);
  const widths = header.map((cell, i) => Math.max(cell.length, ...lines.map((line) => line[i]?.length ?? 0)));
  const format = (cells: readonly string[]): string => {
    const padded = cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, i) => (i < 2 ? "-".repeat(width) : `${"-".repeat(Math.max(1, width - 1))}:`));
  return [format(header), format(rule), ...lines.map(format)].join("\n");
}

function verdict(ratio: number | undefined, goal: number | undefined): string {
  if (ratio === undefined || goal === undefined) return "";
  return ratio <= goal ? "met" : "missed";
}

const WIDTH = 980;
const LABEL = 470;
const ROW = 22;
const FULL = 1.25;

/** A plot of all ratios: a bar for each case, a mark at its goal, a line where both servers would be equal. */
export function plotOf(results: readonly Result[], title: string): string {
  const rows = results.filter(({ ratio }) => ratio !== undefined);
  const height = 60 + ROW * rows.length;
  const x = (ratio: number): number => Math.round(LABEL + ((WIDTH - LABEL - 60) * Math.min(ratio, FULL)) / FULL);
  const bars = rows.flatMap(({ name, ratio = 0, goal }, i) => {
    const y = 40 + ROW * i;
    const color = goal !== undefined && ratio > goal ? "#c2571a" : "#2a7d5f";
    const mark = goal === undefined ? "" : `<path d="M${x(goal)} ${y - 2}v18" stroke="#222" stroke-width="2"/>`;
    return [
      `<text x="${LABEL - 8}" y="${y + 11}" text-anchor="end">${name}</text>`,
      `<rect x="${LABEL}" y="${y}" width="${x(ratio) - LABEL}" height="14" fill="${color}"/>${mark}`,
      `<text x="${LABEL + 6}" y="${y + 11}" fill="#fff">${ratio.toFixed(2)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="8" y="20" font-size="13">${title}</text>`,
    `<path d="M${x(1)} 32v${height - 44}" stroke="#999" stroke-dasharray="4 3"/>`,
    ...bars,
    "</svg>\n",
  ].join("\n");
}
