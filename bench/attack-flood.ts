import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openLibc } from "../src/dataplane/libc.ts";
import { openRuntime } from "../src/runtime/runtime.ts";
import { parseAddress } from "../src/net/address.ts";
import { type Gateway, startGateway } from "../test/support/gateway.ts";
import { Cable } from "./support/cable.ts";
import { metric } from "./support/metrics.ts";
import { insideNamespace } from "./support/namespace.ts";
import { SteadyLoad } from "./support/steady-load.ts";
import { UdpLoad } from "./support/udp-load.ts";
import { Verdicts } from "./support/verdicts.ts";

const PUBLIC = "1.2.3.4";
const CLIENTS = 100;
const PAYLOAD = 160;
/** With and without the flood by turns: what else the machine does meets both. */
const ROUNDS = 20;
const MOST_GROWTH = 8 * 1024 * 1024;
const MOST_LOSS = 0.001;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    /** Requests a second. */
    rate: { type: "string", default: "20000" },
    /** Datagrams a second that the clients relay, instead of half of what they can. */
    load: { type: "string" },
  },
});

/**
 * A million requests to allocate from made-up addresses, while a hundred clients relay at half of what they can: what the
 * clients lose more than without the flood, and what the gateway keeps of the strangers.
 */
if (await insideNamespace()) await attack();

async function attack(): Promise<void> {
  const verdicts = new Verdicts("attack-flood");
  const cable = new Cable(PUBLIC);
  const gateway = await startGateway({
    settings: ({ udp }) => ({
      listen: { udp: [`${PUBLIC}:${udp}`], tcp: [], tls: [] },
      relay: { address: ["127.0.0.1"], peers: { allow: ["127.0.0.0/8"] } },
    }),
  });
  const to = `${PUBLIC}:${gateway.ports.udp}`;
  const credentials = await gateway.mint();
  const options = { server: parseAddress(to), clients: CLIENTS, credentialsOf: () => credentials, payload: PAYLOAD };
  const load = new UdpLoad(openLibc(await openRuntime()), { ...options, segmentation: false });
  const steady = new SteadyLoad(load);
  const half = values.load === undefined ? steady.capacity() / 2 : Number(values.load);
  verdicts.note(`half load is ${half} datagrams a second over ${CLIENTS} allocations`);

  const [count, rate] = [Number(values.count) / ROUNDS, Number(values.rate)];
  await cable.flood({ to, rate, count: 100_000, seed: 99 }).over(); // code is compiled, buffers have grown
  const seconds = count / rate;
  const before = await gateway.residentBytes();
  const losses: Record<"without" | "with", number[]> = { without: [], with: [] };
  for (let seed = 1; seed <= ROUNDS; seed++) {
    losses.without.push(steady.run(half, seconds));
    const flood = cable.flood({ to, rate, count, seed });
    await sleep(100);
    losses.with.push(steady.run(half, seconds));
    await flood.over();
  }
  const { into, outOf } = cable.traffic;
  verdicts.note(`${into} packets of the flood came in, ${outOf} answers left`);
  verdicts.holds("all of the flood came in", into >= Number(values.count));
  await report(verdicts, gateway, losses);
  verdicts.atMost("memory grew by", (await settledBytes(gateway, before)) / 1e6, MOST_GROWTH / 1e6, " MB");
  await load.close();
  await gateway.stop();
}

async function report(verdicts: Verdicts, gateway: Gateway, losses: Record<"without" | "with", number[]>): Promise<void> {
  const [without, withFlood] = [median(losses.without), median(losses.with)];
  verdicts.note(`lost without the flood ${percent(without)}, with it ${percent(withFlood)}; medians of ${ROUNDS} rounds each`);
  verdicts.atMost("lost more than without, in percent", 100 * (withFlood - without), 100 * MOST_LOSS);
  const shed = await metric(gateway, "messages_ignored_total", 'why="pressure"');
  const budget = await metric(gateway, "messages_ignored_total", 'why="budget"');
  verdicts.note(`over the budget ${budget}, shed under pressure ${shed}`);
}

/** How much more memory there is than before; what the collector has not looked at yet may go first. */
async function settledBytes(gateway: Gateway, before: number): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 20 && least > MOST_GROWTH; i++) {
    least = Math.min(least, (await gateway.residentBytes()) - before);
    await sleep(500);
  }
  return least;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(3)} %`;
}
