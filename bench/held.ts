import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openLibc } from "../src/dataplane/libc.ts";
import { openRuntime } from "../src/runtime/runtime.ts";
import { drive } from "./support/drive.ts";
import { cpuNanoseconds, residentBytes, ticks } from "./support/process-cost.ts";
import { COTURN, startIcebreaker, startOther } from "./support/servers.ts";
import { UdpLoad } from "./support/udp-load.ts";
import { Verdicts } from "./support/verdicts.ts";

const FEW = 100;
/** Allocations beside those few. */
const OTHERS = 1000;
const STEP = 2000;
const FLAT = 1.15;
/** How often as many come and go before anything is measured: until then the compiler costs as much as they do. */
const WARM_UPS = 16;
/** Descriptors of the process that are no relays, of the gateway or of the load. */
const OTHER_DESCRIPTORS = 300;

const { values } = parseArgs({
  options: {
    allocations: { type: "string", default: "20000" },
    seconds: { type: "string", default: "2" },
    against: { type: "string" },
  },
});

/**
 * What it takes to hold allocations: what each costs beside ever more others. With `--against coturn`, or a shell command
 * as `startOther` explains it, how another server's packets grow dearer, too.
 */
const verdicts = new Verdicts("held");
const libc = openLibc(await openRuntime());
let server = await startIcebreaker();
let { pid } = server;

const wanted = Math.min(Number(values.allocations), descriptorLimit() - OTHER_DESCRIPTORS);
for (let round = 0; round < WARM_UPS; round++) await (await newLoad(STEP)).close();
const setUps: number[] = [];
const { few, many, loads } = await growth(wanted);
const [first = 0, last = 0] = [setUps[1], setUps.at(-1)];
verdicts.holds(`${wanted} allocations held at once, ${Math.round(residentBytes(pid) / 1e6)} MB resident`, loads.length > 0);
verdicts.note(`set-up, µs for each by ${STEP}: ${setUps.map(Math.round).join(", ")}`);
verdicts.atMost("set-up of the last beside that of the second thousands", last / first, FLAT);
verdicts.note(`ns for each packet: ${inWords(few)} with ${FEW} allocations, ${inWords(many)} with ${wanted}`);
verdicts.note(
  `of that, its own code: ${(own(many) / own(few)).toFixed(2)} times; the kernel: ${(kernel(many) / kernel(few)).toFixed(2)}`,
);
verdicts.atMost(
  `a packet beside ${wanted} allocations, over ${STEP} of them in turn, beside one of ${FEW}`,
  many.nanoseconds / few.nanoseconds,
  FLAT,
);
for (const load of loads) await load.close();
await server.stop();
if (values.against !== undefined) await compare(values.against);

/** What each packet costs beside few allocations and beside many, which are held then. */
async function growth(most: number): Promise<{ few: Cost; many: Cost; loads: readonly UdpLoad[] }> {
  const others = await newLoad(OTHERS);
  const load = await newLoad(FEW);
  await costOf(load); // what is compiled on the way is compiled here
  const few = await costOf(load);
  await load.close();
  await others.close();
  const loads: UdpLoad[] = [];
  for (let held = 0; held < most; held += STEP) {
    const count = Math.min(STEP, most - held);
    const used = cpuNanoseconds(pid);
    loads.push(await newLoad(count));
    setUps.push((cpuNanoseconds(pid) - used) / count / 1000);
  }
  const costs: Cost[] = [];
  for (const held of loads) costs.push(await costOf(held));
  const mean = (of: (cost: Cost) => number): number => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  return { few, many: { nanoseconds: mean(({ nanoseconds }) => nanoseconds), kernelShare: mean((c) => c.kernelShare) }, loads };
}

/** The same of another server, in the same run. */
async function compare(against: string): Promise<void> {
  server = await (against === "coturn" ? startOther("coturn", COTURN) : startOther("other", against));
  ({ pid } = server);
  try {
    // Clients whose port it remembers from before take another one: that needs descriptors.
    const other = await growth(wanted - OTHERS);
    const ratio = other.many.nanoseconds / other.few.nanoseconds;
    verdicts.note(`${server.name}: ${inWords(other.few)} and ${inWords(other.many)}, ${ratio.toFixed(2)} times`);
    for (const load of other.loads) await load.close();
  } finally {
    await server.stop();
  }
}

/** What a packet costs, and how much of that the kernel takes. */
interface Cost {
  readonly nanoseconds: number;
  readonly kernelShare: number;
}

function own({ nanoseconds, kernelShare }: Cost): number {
  return nanoseconds * (1 - kernelShare);
}

function kernel({ nanoseconds, kernelShare }: Cost): number {
  return nanoseconds * kernelShare;
}

function inWords(cost: Cost): string {
  return `${Math.round(cost.nanoseconds)} (${Math.round(own(cost))} its own code's)`;
}

async function newLoad(clients: number): Promise<UdpLoad> {
  const credentialsOf = await server.credentials(clients);
  return new UdpLoad(libc, { server: server.address("udp"), clients, credentialsOf, payload: 160, segmentation: false });
}

/** What each packet to a peer costs the server. */
async function costOf(load: UdpLoad): Promise<Cost> {
  const before = ticks(pid);
  const pace = { direction: "to-peer" as const, burst: 1, window: 128, seconds: Number(values.seconds), warmUpSeconds: 0.3 };
  const { cost, delivered } = await drive(load, pace, () => cpuNanoseconds(pid));
  const after = ticks(pid);
  const [ours, kernels] = [after.own - before.own, after.kernel - before.kernel];
  return { nanoseconds: cost / delivered, kernelShare: kernels / Math.max(1, ours + kernels) };
}

/** How many descriptors a process may have here; the gateway has inherited it. */
function descriptorLimit(): number {
  const [, limit] = /Max open files\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, "utf8")) ?? [];
  return Number(limit ?? 1024);
}
