import { spawn } from "node:child_process";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startGateway } from "../test/support/gateway.ts";
import { cpuNanoseconds } from "./support/process-cost.ts";
import { Verdicts } from "./support/verdicts.ts";

const CONNECTIONS = 16;
const LEAST_SHARE = 0.6;

const { values } = parseArgs({
  options: { requests: { type: "string", default: "10000" }, rounds: { type: "string", default: "3" } },
});
const requests = Number(values.requests);

/** Who mints over HTTPS. */
interface Minter {
  readonly pid: number;
  readonly port: number;
  readonly key: string;
}

/** A mint over HTTPS on the port that TURN shares, beside the same API behind Bun's own server, in turns: processor time for each request. */
const verdicts = new Verdicts("https-mint");
const gateway = await startGateway({ settings: { limits: { mints_per_key_per_minute: 0 } } });
const ours = { pid: gateway.child.process.pid ?? 0, port: gateway.ports.tls, key: gateway.key };
const script = fileURLToPath(new URL("support/bun-serve.ts", import.meta.url));
const child = spawn(process.execPath, [script, gateway.files.certificate, gateway.files.key], {
  stdio: ["ignore", "pipe", "inherit"],
});
const line = await new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve));
const theirs: Minter = { pid: child.pid ?? 0, ...JSON.parse(line) };

const costs: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
for (const minter of [ours, theirs]) await costOf(minter); // what is compiled on the way is compiled here
for (let round = 0; round < Number(values.rounds); round++) {
  costs.ours.push(await costOf(ours));
  costs.theirs.push(await costOf(theirs));
}
const [our, their] = [middle(costs.ours), middle(costs.theirs)];
verdicts.note(`µs for each mint: ${our.toFixed(1)} on the shared port, ${their.toFixed(1)} behind Bun.serve`);
verdicts.holds(
  `mints of a second of processor time, as a share of Bun.serve's: ${(their / our).toFixed(2)} (at least ${LEAST_SHARE})`,
  their / our >= LEAST_SHARE,
);
child.kill();
await gateway.stop();

/** CPU microseconds of the server for each mint over kept connections. */
async function costOf(minter: Minter): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, rejectUnauthorized: false });
  const lane = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await mint(minter, agent);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, () => lane(2))); // handshakes
  const before = cpuNanoseconds(minter.pid);
  await Promise.all(Array.from({ length: CONNECTIONS }, () => lane(Math.ceil(requests / CONNECTIONS))));
  const cost = cpuNanoseconds(minter.pid) - before;
  agent.destroy();
  return cost / (CONNECTIONS * Math.ceil(requests / CONNECTIONS)) / 1000;
}

function mint({ port, key }: Minter, agent: Agent): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const asked = request({ agent, host: "127.0.0.1", port, path: "/v1/credentials", method: "POST", headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`A mint was answered ${answer.statusCode}`));
      answer.resume();
      answer.on("end", resolve);
    });
    asked.on("error", reject);
    asked.end("{}");
  });
}

function middle(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;
}
