import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startGateway } from "../test/support/gateway.ts";
import { HttpsLoad } from "./support/https-load.ts";
import { cores, ticks } from "./support/process-cost.ts";
import { Verdicts } from "./support/verdicts.ts";

const LEAST_SHARE = 0.6;
const TICK_MS = 10;
/** Requests of each thread after which the compiler rests. */
const WARM_UP = 50_000;

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: `${cores}` },
    connections: { type: "string", default: "32" },
    requests: { type: "string", default: "40000" },
    rounds: { type: "string", default: "7" },
  },
});
const threads = Number(values.threads);
const connections = Number(values.connections);

/** Who mints over HTTPS, and the connections that ask. */
interface Minter {
  readonly pid: number;
  readonly load: HttpsLoad;
}

/** What a mint took. */
interface Cost {
  /** Microseconds of the server's processor time. */
  readonly cpu: number;
  /** Mints a second, all connections together. */
  readonly rate: number;
}

/**
 * Goal: a mint over HTTPS on the port that TURN shares costs no more than 1/0.6 of one behind Bun's own server. The same
 * API, TLS, requests and number of threads, kept connections, in turns; warm, and what the first ones cost is told.
 */
const verdicts = new Verdicts("https-mint");
const gateway = await startGateway({ settings: { relay: { workers: threads }, limits: { mints_per_key_per_minute: 0 } } });
const ours = { pid: gateway.child.process.pid ?? 0, load: await askers(gateway.ports.tls, gateway.key) };
const script = fileURLToPath(new URL("support/bun-serve.ts", import.meta.url));
const child = spawn(process.execPath, [script, gateway.files.certificate, gateway.files.key, `${threads}`], {
  stdio: ["ignore", "pipe", "inherit"],
});
const line = await new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve));
const { port, key }: { port: number; key: string } = JSON.parse(line);
const theirs = { pid: child.pid ?? 0, load: await askers(port, key) };

const cold = { ours: await costOf(ours, 10_000), theirs: await costOf(theirs, 10_000) };
verdicts.note(`the first 10,000: ${inWords(cold.ours)} on the shared port, ${inWords(cold.theirs)} behind Bun.serve`);
for (const minter of [ours, theirs]) await costOf(minter, WARM_UP * threads);
const costs: { ours: Cost[]; theirs: Cost[] } = { ours: [], theirs: [] };
for (let round = 0; round < Number(values.rounds); round++) {
  costs.ours.push(await costOf(ours, Number(values.requests)));
  costs.theirs.push(await costOf(theirs, Number(values.requests)));
}
const [our, their] = [middle(costs.ours), middle(costs.theirs)];
const on = `on ${threads} ${threads === 1 ? "thread" : "threads"}`;
verdicts.note(`warm, ${on}: ${inWords(our)} on the shared port, ${inWords(their)} behind Bun.serve`);
const share = their.cpu / our.cpu;
verdicts.holds(
  `mints of a second of processor time, as a share of Bun.serve's: ${share.toFixed(2)} (at least ${LEAST_SHARE})`,
  share >= LEAST_SHARE,
);
for (const { load } of [ours, theirs]) load.close();
child.kill();
await gateway.stop();

async function costOf({ pid, load }: Minter, requests: number): Promise<Cost> {
  const each = Math.ceil(requests / connections);
  const [cpuBefore, before] = [processorMs(pid), performance.now()];
  await load.ask(each);
  const [cpu, took] = [processorMs(pid) - cpuBefore, performance.now() - before];
  const count = each * connections;
  return { cpu: (1000 * cpu) / count, rate: (1000 * count) / took };
}

/** All threads, those too that have ended. */
function processorMs(pid: number): number {
  const { own, kernel } = ticks(pid);
  return TICK_MS * (own + kernel);
}

/** Connections that mint with a key, each of which has minted. */
async function askers(port: number, key: string): Promise<HttpsLoad> {
  const head = ["POST /v1/credentials HTTP/1.1", "Host: 127.0.0.1", `Authorization: Bearer ${key}`];
  head.push("Content-Type: application/json", "Content-Length: 2", "Connection: keep-alive", "", "{}");
  const load = await HttpsLoad.open({ port, connections, request: Buffer.from(head.join("\r\n")) });
  await load.ask(2);
  return load;
}

/** The medians. */
function middle(costs: readonly Cost[]): Cost {
  const median = (figures: readonly number[]): number => figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;
  return { cpu: median(costs.map(({ cpu }) => cpu)), rate: median(costs.map(({ rate }) => rate)) };
}

function inWords({ cpu, rate }: Cost): string {
  return `${cpu.toFixed(1)} µs each and ${Math.round(rate)} a second`;
}
