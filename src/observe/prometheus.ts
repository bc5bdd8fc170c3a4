import { type Counters, metrics, sumOf } from "./counters.ts";

/** A number that the main thread knows when it is asked. */
export interface Gauge {
  /** Without the prefix `icebreaker_`. */
  readonly name: string;
  readonly help: string;
  readonly value: number;
  /** The text between braces, if any. */
  readonly labels?: string;
}

/** All metrics in Prometheus' text format: the threads' counters added up, and gauges beside them. */
export function prometheusText(threads: readonly Counters[], gauges: readonly Gauge[]): string {
  const lines: string[] = [];
  for (const { name, kind, help, series } of metrics()) {
    lines.push(`# HELP icebreaker_${name} ${help}`, `# TYPE icebreaker_${name} ${kind}`);
    for (const [i, labels] of series.entries()) lines.push(line(name, labels, sumOf(threads, name, i)));
  }
  for (const { name, help, value, labels } of gauges) {
    lines.push(`# HELP icebreaker_${name} ${help}`, `# TYPE icebreaker_${name} gauge`, line(name, labels ?? "", value));
  }
  return `${lines.join("\n")}\n`;
}

function line(name: string, labels: string, value: number): string {
  return `icebreaker_${name}${labels === "" ? "" : `{${labels}}`} ${value}`;
}
