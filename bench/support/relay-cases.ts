import { openLibc } from "../../src/dataplane/libc.ts";
import type { Transport } from "../../src/net/address.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { drive } from "./drive.ts";
import type { Direction, Load } from "./load.ts";
import { cpuNanoseconds, residentBytes } from "./process-cost.ts";
import type { Server } from "./servers.ts";
import { StreamLoad } from "./stream-load.ts";
import { UdpLoad } from "./udp-load.ts";

/** What a case is about. */
export type Measure =
  /** CPU nanoseconds of the server for a datagram that arrives. */
  | "cost"
  /** CPU microseconds of the server for an Allocate and a ChannelBind with authentication. */
  | "set-up"
  /** Octets of resident memory for an allocation with a channel. */
  | "memory"
  /** The 99th percentile of round-trip times, in microseconds. */
  | "p99";

/** One row of the table. */
export interface Case {
  readonly transport: Transport;
  readonly direction: Direction;
  readonly clients: number;
  readonly payload: number;
  readonly burst: number;
  /** Whether the senders let the kernel cut. */
  readonly segmentation: boolean;
  /** Datagrams a second; absent: as fast as they arrive. */
  readonly rate?: number | undefined;
  readonly window: number;
  readonly measure: Measure;
  /** The most that our figure may be, as a share of the other's. */
  readonly goal?: number | undefined;
}

/** What one run of a case gave; absent where it was not measured. */
export interface Run {
  readonly figure: number;
  readonly loss: number;
  readonly perSecond: number;
  readonly p50?: number | undefined;
  readonly p99?: number | undefined;
}

const PLAIN: Case = {
  transport: "udp",
  direction: "to-peer",
  clients: 1,
  payload: 160,
  burst: 1,
  segmentation: false,
  window: 128,
  measure: "cost",
};

const bothWays = (row: Partial<Case>): Partial<Case>[] => [
  { ...row, direction: "to-peer" },
  { ...row, direction: "to-client" },
];

/** A busy stream has many frames on its way: as many for each of a hundred as a window for one cannot hold. */
function stream(transport: "tcp" | "tls", clients: number): Partial<Case> {
  return { transport, clients, window: Math.max(PLAIN.window, 16 * clients) };
}

/** The table. */
export const CASES: readonly Case[] = [
  ...bothWays({ goal: 0.75 }),
  ...bothWays({ clients: 100, goal: 0.85 }),
  ...bothWays({ clients: 1000, goal: 0.85 }),
  ...bothWays({ clients: 1000, payload: 1200, goal: 0.85 }),
  { clients: 10, payload: 1200, burst: 8, goal: 0.55 },
  { clients: 10, payload: 1200, burst: 8, segmentation: true, goal: 0.35 },
  { clients: 100, rate: 40_000, goal: 0.95 },
  ...[1, 100].flatMap((clients) => [160, 1200].map((payload) => ({ ...stream("tls", clients), payload, goal: 0.65 }))),
  ...[1, 100].map((clients) => ({ ...stream("tls", clients), direction: "to-client" as const, goal: 1 })),
  ...[1, 100].map((clients) => ({ ...stream("tcp", clients), goal: 0.6 })),
  ...[1, 100].map((clients) => ({ ...stream("tcp", clients), direction: "to-client" as const, goal: 1 })),
  { measure: "p99" as const, direction: "echo" as const, clients: 100, rate: 15_000, goal: 1 },
  { measure: "set-up" as const, clients: 2000, goal: 0.4 },
  { measure: "memory" as const, clients: 10_000, goal: 0.25 },
].map((row) => caseOf(row));

/** A case like the plainest, but for what is given. */
export function caseOf(row: Partial<Case>): Case {
  return { ...PLAIN, ...row };
}

/** A case in words. */
export function nameOf({ transport, direction, clients, payload, burst, segmentation, rate, measure }: Case): string {
  const count = `${clients} ${clients === 1 ? "allocation" : "allocations"}`;
  if (measure === "set-up") return `${transport.toUpperCase()}, Allocate and ChannelBind`;
  if (measure === "memory") return `${transport.toUpperCase()}, memory of each of ${count}`;
  const way = { "to-peer": "client to peer", "to-client": "peer to client", echo: "echo" }[direction];
  const extras = [
    burst > 1 ? `bursts of ${burst}` : "",
    segmentation ? "sent with GSO" : "",
    rate === undefined ? "" : `${rate / 1000},000 a second`,
    measure === "p99" ? "round trip, 99 %" : "",
  ];
  return [transport.toUpperCase(), count, `${payload} octets`, way, ...extras].filter((part) => part !== "").join(", ");
}

/** The unit of a measure's figure. */
export const UNITS: Readonly<Record<Measure, string>> = { cost: "ns", "set-up": "µs", memory: "octets", p99: "µs" };

const libc = openLibc(await openRuntime());

/** Runs a case against a server once. */
export async function runCase(row: Case, server: Server, seconds: number): Promise<Run> {
  const { pid } = server;
  const credentialsOf = await server.credentials(row.clients);
  const [cpu, memory] = [cpuNanoseconds(pid), residentBytes(pid)];
  const options = { ...row, server: server.address(row.transport), credentialsOf };
  const { transport } = row;
  const load: Load = transport === "udp" ? new UdpLoad(libc, options) : await StreamLoad.open(libc, { ...options, transport });
  const setUp = { cpu: cpuNanoseconds(pid) - cpu, memory: residentBytes(pid) - memory };
  try {
    if (row.measure === "set-up") return { figure: setUp.cpu / row.clients / 1000, loss: 0, perSecond: 0 };
    if (row.measure === "memory") return { figure: setUp.memory / row.clients, loss: 0, perSecond: 0 };
    const pace = { ...row, seconds, warmUpSeconds: Math.min(1, seconds / 3) };
    const { delivered, cost, loss, seconds: measured } = await drive(load, pace, () => cpuNanoseconds(pid));
    const [p50, p99] = [load.roundTrips.percentile(50), load.roundTrips.percentile(99)];
    const figure = row.measure === "p99" ? (p99 ?? Infinity) : cost / delivered;
    return { figure, loss, perSecond: delivered / measured, p50, p99 };
  } finally {
    await load.close();
  }
}
