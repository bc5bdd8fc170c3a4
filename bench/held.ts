import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openLibc } from "../src/dataplane/libc.ts";
import { openRuntime } from "../src/runtime/runtime.ts";
import { drive } from "./support/drive.ts";
import { cpuNanoseconds, residentBytes } from "./support/process-cost.ts";
import { startIcebreaker } from "./support/servers.ts";
import { UdpLoad } from "./support/udp-load.ts";
import { Verdicts } from "./support/verdicts.ts";

const FEW = 100;
/** Allocations beside those few. */
const OTHERS = 1000;
const STEP = 2000;
const FLAT = 1.15;
/** Descriptors of the process that are no relays, of the gateway or of the load. */
const OTHER_DESCRIPTORS = 300;

const { values } = parseArgs({
  options: { allocations: { type: "string", default: "20000" }, seconds: { type: "string", default: "2" } },
});

/** What it takes to hold allocations: what each costs beside ever more others. */
const verdicts = new Verdicts("held");
const libc = openLibc(await openRuntime());
const server = await startIcebreaker();
const { pid } = server;
const others = await newLoad(OTHERS);
const few = await newLoad(FEW);
await costOf(few); // what is compiled on the way is compiled here
const costOfFew = await costOf(few);
await few.close();
await others.close();

const wanted = Math.min(Number(values.allocations), descriptorLimit() - OTHER_DESCRIPTORS);
const loads: UdpLoad[] = [];
const setUps: number[] = [];
for (let held = 0; held < wanted; held += STEP) {
  const count = Math.min(STEP, wanted - held);
  const used = cpuNanoseconds(pid);
  loads.push(await newLoad(count));
  setUps.push((cpuNanoseconds(pid) - used) / count / 1000);
}
const [first = 0, last = 0] = [setUps[1], setUps.at(-1)];
verdicts.holds(`${wanted} allocations held at once, ${Math.round(residentBytes(pid) / 1e6)} MB resident`, loads.length > 0);
verdicts.note(`set-up, µs for each by ${STEP}: ${setUps.map(Math.round).join(", ")}`);
verdicts.atMost("set-up of the last beside that of the second thousands", last / first, FLAT);
const costs: number[] = [];
for (const load of loads) costs.push(await costOf(load));
const costOfMany = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
verdicts.note(`ns for each packet: ${Math.round(costOfFew)} with ${FEW} allocations, ${Math.round(costOfMany)} with ${wanted}`);
verdicts.atMost(
  `a packet beside ${wanted} allocations, over ${STEP} of them in turn, beside one of ${FEW}`,
  costOfMany / costOfFew,
  FLAT,
);
for (const load of loads) await load.close();
await server.stop();

async function newLoad(clients: number): Promise<UdpLoad> {
  const credentialsOf = await server.credentials(clients);
  return new UdpLoad(libc, { server: server.address("udp"), clients, credentialsOf, payload: 160, segmentation: false });
}

/** CPU nanoseconds of the gateway for each packet to a peer. */
async function costOf(load: UdpLoad): Promise<number> {
  const pace = { direction: "to-peer" as const, burst: 1, window: 128, seconds: Number(values.seconds), warmUpSeconds: 0.3 };
  const { cost, delivered } = await drive(load, pace, () => cpuNanoseconds(pid));
  return cost / delivered;
}

/** How many descriptors a process may have here; the gateway has inherited it. */
function descriptorLimit(): number {
  const [, limit] = /Max open files\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, "utf8")) ?? [];
  return Number(limit ?? 1024);
}
