/** One metric of the fixed table: what strangers or tenants do never adds a series. */
export interface Metric {
  /** Without the prefix `icebreaker_`. */
  readonly name: MetricName;
  readonly kind: "counter" | "gauge";
  readonly help: string;
  /** The series, as the text between braces; one empty text for a metric without labels. */
  readonly series: readonly string[];
}

const labels = (name: string, values: readonly (string | number)[]): string[] => values.map((value) => `${name}="${value}"`);

const transports = labels("transport", ["udp", "tcp", "tls"]);
const directions = labels("direction", ["to_peer", "to_client"]);

/** Why an allocation ended, as the label says it. */
export const END_REASONS = [
  "expired",
  "closed by client",
  "client disconnected",
  "revoked",
  "project deleted",
  "shutdown",
] as const;
/** The codes that requests are refused with. */
export const REJECTION_CODES: readonly number[] = [
  300, 400, 401, 403, 405, 420, 437, 438, 440, 441, 442, 443, 446, 447, 486, 500, 508,
];
/** Why a message got no answer. */
export const IGNORED_REASONS = ["malformed", "not a request", "budget", "pressure", "no permission", "no allocation"] as const;

/** Every metric that threads count. Gauges of one thread each add up like counters. */
export const METRICS = {
  allocations: { kind: "gauge", help: "Live allocations", series: transports },
  allocations_total: { kind: "counter", help: "Allocations made", series: transports },
  allocations_ended_total: { kind: "counter", help: "Allocations ended, by reason", series: labels("reason", END_REASONS) },
  allocations_moved_total: { kind: "counter", help: "Allocations that followed their client, by where to", series: transports },
  allocations_left_total: {
    kind: "counter",
    help: "Allocations that have left a thread for it, by where from",
    series: transports,
  },
  requests_rejected_total: {
    kind: "counter",
    help: "STUN requests answered with an error",
    series: labels("code", REJECTION_CODES),
  },
  messages_ignored_total: { kind: "counter", help: "Messages that got no answer", series: labels("why", IGNORED_REASONS) },
  bindings_total: { kind: "counter", help: "Binding requests answered", series: [""] },
  permissions_total: { kind: "counter", help: "Permissions given or refreshed", series: [""] },
  channels_total: { kind: "counter", help: "Channels bound", series: [""] },
  peers_denied_total: { kind: "counter", help: "Peers refused by policy", series: [""] },
  relayed_packets_total: { kind: "counter", help: "Datagrams relayed", series: directions },
  relayed_octets_total: {
    kind: "counter",
    help: "Payload octets relayed, those of a TCP connection when it ends",
    series: directions,
  },
  dropped_packets_total: {
    kind: "counter",
    help: "Datagrams dropped",
    series: labels("reason", ["no_route", "bandwidth", "send_failed", "too_long", "slow_client"]),
  },
  stream_connections: { kind: "gauge", help: "Open connections", series: labels("kind", ["turn", "other"]) },
  http_requests_total: {
    kind: "counter",
    help: "HTTP answers by class of status",
    series: labels("class", ["2xx", "3xx", "4xx", "5xx"]),
  },
  mints_total: { kind: "counter", help: "Credentials minted over HTTP", series: [""] },
} as const satisfies Record<string, Omit<Metric, "name">>;

/** The name of a counted metric. */
export type MetricName = keyof typeof METRICS;

const NAMES = Object.keys(METRICS).filter(isMetricName);
const OFFSETS = new Map(NAMES.map((name, i) => [name, seriesBefore(i)]));
const SLOTS = seriesBefore(NAMES.length);

function isMetricName(name: string): name is MetricName {
  return name in METRICS;
}

function seriesBefore(metric: number): number {
  return NAMES.slice(0, metric).reduce((sum, name) => sum + METRICS[name].series.length, 0);
}

/** Where a series lies: for code that counts packets, and looks it up once. `series` counts from 0 in the order of the table. */
export function slotOf(name: MetricName, series = 0): number {
  return (OFFSETS.get(name) ?? 0) + series;
}

/** A thread's own numbers, in memory that the main thread reads. Only that thread writes them. */
export class Counters {
  readonly #values: Float64Array;

  /** Memory for one thread. */
  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(8 * SLOTS);
  }

  constructor(memory: SharedArrayBuffer) {
    this.#values = new Float64Array(memory);
  }

  /** Adds to a series of a metric. */
  add(name: MetricName, series = 0, amount = 1): void {
    this.addAt(slotOf(name, series), amount);
  }

  /** The same for a slot that {@link slotOf} has named. */
  addAt(slot: number, amount: number): void {
    this.#values[slot] = (this.#values[slot] ?? 0) + amount;
  }

  /** Sets a gauge, or a counter that something else keeps. */
  set(name: MetricName, series: number, value: number): void {
    this.#values[slotOf(name, series)] = value;
  }

  /** What stands there. */
  value(name: MetricName, series = 0): number {
    return this.#values[slotOf(name, series)] ?? 0;
  }
}

/** The sum over threads of one metric's series. */
export function sumOf(threads: readonly Counters[], name: MetricName, series: number): number {
  return threads.reduce((sum, thread) => sum + thread.value(name, series), 0);
}

/**
 * Live allocations of all threads, those that are on their way from one to another too. Threads count on while this
 * reads, so that it may be too many for a moment, and is never too few: arrivals are read first and departures last.
 */
export function allocationsOf(threads: readonly Counters[]): number {
  const sum = (name: MetricName): number => transports.reduce((total, _, series) => total + sumOf(threads, name, series), 0);
  const arrived = sum("allocations_moved_total");
  const live = sum("allocations");
  return live + sum("allocations_left_total") - arrived;
}

/** All of the table, in its order. */
export function metrics(): readonly Metric[] {
  return NAMES.map((name) => ({ name, ...METRICS[name] }));
}
