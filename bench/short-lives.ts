import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openLibc } from "../src/dataplane/libc.ts";
import { openRuntime } from "../src/runtime/runtime.ts";
import { residentBytes } from "./support/process-cost.ts";
import { startIcebreaker } from "./support/servers.ts";
import { UdpLoad } from "./support/udp-load.ts";
import { Verdicts } from "./support/verdicts.ts";

/** At a time. */
const CLIENTS = 2000;
const MOST_GROWTH = 1.1;

const { values } = parseArgs({
  options: { allocations: { type: "string", default: "1000000" }, first: { type: "string", default: "100000" } },
});

/** Goal: what allocations leave behind when they end does not add up. The first of them fill tables and caches; the rest add nothing. */
const verdicts = new Verdicts("short-lives");
const libc = openLibc(await openRuntime());
const server = await startIcebreaker();
await live(Number(values.first));
const before = await left();
await live(Number(values.allocations) - Number(values.first));
const after = await left();
verdicts.note(`after ${values.first} allocations: ${inWords(before)}; after ${values.allocations}: ${inWords(after)}`);
verdicts.atMost("memory", after.megabytes / before.megabytes, MOST_GROWTH);
verdicts.atMost("descriptors", after.descriptors / before.descriptors, MOST_GROWTH);
verdicts.atMost("threads", after.threads / before.threads, MOST_GROWTH);
await server.stop();

async function live(count: number): Promise<void> {
  for (let done = 0; done < count; done += CLIENTS) {
    const credentialsOf = await server.credentials(CLIENTS);
    const options = { server: server.address("udp"), clients: CLIENTS, credentialsOf, payload: 160, segmentation: false };
    await new UdpLoad(libc, options).close();
  }
}

interface Left {
  readonly megabytes: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** What the process holds when it has come to rest. */
async function left(): Promise<Left> {
  await sleep(3000);
  const count = (folder: string): number => readdirSync(`/proc/${server.pid}/${folder}`).length;
  return { megabytes: residentBytes(server.pid) / 1e6, descriptors: count("fd"), threads: count("task") };
}

function inWords({ megabytes, descriptors, threads }: Left): string {
  return `${megabytes.toFixed(1)} MB, ${descriptors} descriptors, ${threads} threads`;
}
