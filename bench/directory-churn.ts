import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openLibc } from "../src/dataplane/libc.ts";
import { parseAddress } from "../src/net/address.ts";
import { openRuntime } from "../src/runtime/runtime.ts";
import { openStore } from "../src/store/open-store.ts";
import { startGateway } from "../test/support/gateway.ts";
import { SteadyLoad } from "./support/steady-load.ts";
import { UdpLoad } from "./support/udp-load.ts";
import { Verdicts } from "./support/verdicts.ts";

const PROJECTS = 10_000;
const CHANGES_PER_SECOND = 100;
const CLIENTS = 100;
const PAYLOAD = 160;
const MOST_LOSS = 0.0001;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, load: { type: "string" } },
});
const ROUNDS = Number(values.rounds);
const ROUND_SECONDS = 2;

/**
 * Ten thousand projects, and every second a hundred revocations and a hundred keys that are made and revoked, while a
 * hundred clients relay at half of what they can: what they lose more than without.
 */
const verdicts = new Verdicts("directory-churn");
const gateway = await startGateway({ settings: { relay: { address: ["127.0.0.1"], peers: { allow: ["127.0.0.0/8"] } } } });
const database = join(gateway.configuration, "..", "state", "icebreaker.db");
await addProjects();
const credentials = await gateway.mint();
const server = parseAddress(`127.0.0.1:${gateway.ports.udp}`);
const options = { server, clients: CLIENTS, credentialsOf: () => credentials, payload: PAYLOAD, segmentation: false };
const load = new UdpLoad(openLibc(await openRuntime()), options);
const steady = new SteadyLoad(load);
const half = values.load === undefined ? steady.capacity() / 2 : Number(values.load);
verdicts.note(`${PROJECTS} projects; half load is ${half} datagrams a second over ${CLIENTS} allocations`);

const losses: Record<"without" | "with", number[]> = { without: [], with: [] };
for (let round = 0; round < ROUNDS; round++) {
  losses.without.push(steady.run(half, ROUND_SECONDS));
  const churner = churn(ROUND_SECONDS + 1);
  await sleep(500);
  losses.with.push(steady.run(half, ROUND_SECONDS));
  await churner;
}
const [without, withChurn] = [median(losses.without), median(losses.with)];
verdicts.note(`lost without changes ${percent(without)}, with them ${percent(withChurn)}; medians of ${ROUNDS} rounds each`);
verdicts.atMost("lost more than without, in percent", 100 * Math.max(0, withChurn - without), 100 * MOST_LOSS);
await load.close();
await gateway.stop();

async function addProjects(): Promise<void> {
  const store = await openStore(`sqlite:${database}`, { stateDir: ".", create: false, busyTimeoutMs: 5000 });
  for (let i = 0; i < PROJECTS; i++) await store.createProject({ name: `tenant ${i}`, regions: [] });
  await store.close();
  await sleep(2000);
}

async function churn(seconds: number): Promise<void> {
  const path = fileURLToPath(new URL("support/churner.ts", import.meta.url));
  const args = [path, "--database", database, "--seconds", `${seconds}`, "--rate", `${CHANGES_PER_SECOND}`];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`The churner ended with ${code}`);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(3)} %`;
}
