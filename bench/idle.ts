import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openLibc } from "../src/dataplane/libc.ts";
import { openRuntime } from "../src/runtime/runtime.ts";
import { drive } from "./support/drive.ts";
import { cpuNanoseconds, residentBytes } from "./support/process-cost.ts";
import { startIcebreaker } from "./support/servers.ts";
import { UdpLoad } from "./support/udp-load.ts";
import { Verdicts } from "./support/verdicts.ts";

/** Two relay and two edge threads. */
const WORKERS = 2;
const START_MEGABYTES = 100;
/** After the start: until what was begun by it is over. */
const START_MS = 5000;
/** Of a core: main asks its database twice a second whether somebody else has written, and says every other second that it lives. */
const IDLE_MS_PER_SECOND = 1;
const LOAD_SECONDS = 3;

const { values } = parseArgs({
  options: {
    allocations: { type: "string", default: "1000" },
    /** Seconds until the compiler and the collector have come to rest. */
    settle: { type: "string", default: "60" },
    seconds: { type: "string", default: "30" },
  },
});
const seconds = Number(values.seconds);

/** What a gateway costs that has nothing to do: its memory, at the start and later, and the processor while allocations idle. */
const verdicts = new Verdicts("idle");
const libc = openLibc(await openRuntime());
const server = await startIcebreaker(WORKERS);
const { pid } = server;
verdicts.note(`resident when it begins to serve: ${megabytes()} MB`);
await sleep(START_MS);
verdicts.atMost(`resident ${START_MS / 1000} s after the start`, megabytes(), START_MEGABYTES, " MB");

await sleep(1000 * Number(values.settle));
verdicts.atMost(`resident after ${values.settle} s more`, megabytes(), START_MEGABYTES, " MB");

const credentialsOf = await server.credentials(Number(values.allocations));
const load = new UdpLoad(libc, {
  server: server.address("udp"),
  clients: Number(values.allocations),
  credentialsOf,
  payload: 160,
  segmentation: false,
});
await sleep(1000 * Number(values.settle));
const idle = `processor with ${values.allocations} idle allocations, of each of ${seconds} s`;
verdicts.atMost(idle, await busyMs(), IDLE_MS_PER_SECOND, " ms");
const pace = { direction: "echo" as const, burst: 1, window: 128, seconds: LOAD_SECONDS, warmUpSeconds: 1 };
await drive(load, pace, () => cpuNanoseconds(pid));
verdicts.note(`resident with ${values.allocations} allocations after a load of ${LOAD_SECONDS} s: ${megabytes()} MB`);
await load.close();
await server.stop();

function megabytes(): number {
  return Math.round(residentBytes(pid) / 1e5) / 10;
}

/** Milliseconds of CPU that all threads take, for each second that passes. */
async function busyMs(): Promise<number> {
  const before = cpuNanoseconds(pid);
  await sleep(1000 * seconds);
  return (cpuNanoseconds(pid) - before) / 1e6 / seconds;
}
