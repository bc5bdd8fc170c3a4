import { setTimeout as sleep } from "node:timers/promises";
import type { Probe } from "../src/client/probe.ts";
import { parseAddress, type Transport } from "../src/net/address.ts";
import { type Gateway, type Minted, startGateway } from "../test/support/gateway.ts";
import { metric } from "./support/metrics.ts";
import { Verdicts } from "./support/verdicts.ts";

const CLIENTS = 64;
const ROUNDS = 8;
const LIMITS = {
  allocations_per_label: 20,
  allocations_per_credential: 30,
  allocations_per_project: 40,
  peers_per_allocation: 256,
};
/** Permissions and channels of an allocation at a time. */
const AT_A_TIME = 64;
const FIRST_ADDRESS = "127.0.0.1";
const SECOND_ADDRESS = "127.0.0.2";
const SETTLE_MS = 15_000;
const TRANSPORTS: readonly Transport[] = ["udp", "udp", "tcp", "tls"];

const verdicts = new Verdicts("attack-credentials");
const gateway = await startGateway({ settings: { limits: LIMITS } });

/**
 * What somebody can do who holds a credential and means ill: race a quota from 64 clients over all threads, fill an
 * allocation with permissions, channels and peers, and go away without a word. Every counter must be exact at the end.
 */
for (const [what, limit, label] of [
  ["of a label", LIMITS.allocations_per_label, "mallory"],
  ["of a credential", LIMITS.allocations_per_credential, undefined],
] as const) {
  const granted: number[] = [];
  for (let round = 0; round < ROUNDS; round++) granted.push(await race(await mint(label), round));
  verdicts.equal(`allocations ${what}, most of ${ROUNDS} races between ${CLIENTS} clients`, Math.max(...granted), limit);
  verdicts.equal(
    `allocations ${what}, least of them: nothing of the rounds before is still counted`,
    Math.min(...granted),
    limit,
  );
}
await raceProject();
await raceMoves(await mint("mover"));
await fill(await mint("filler"));
await scan(await mint("scanner"));
await settled();
await gateway.stop();

async function mint(label: string | undefined): Promise<Minted> {
  return gateway.mint({ ttl: 3600, ...(label === undefined ? {} : { label }) });
}

/** All ask at once; some ask again. How they leave differs: by Refresh, by closing, by a reset. @returns how many got one */
async function race(credentials: Minted, round: number): Promise<number> {
  const probes = await clients(gateway, credentials);
  const answers = await Promise.all(probes.map((probe) => probe.ask({ kind: "allocate" })));
  const refusals = answers.filter((answer) => answer.kind !== "success");
  const wrong = refusals.filter((answer) => answer.kind !== "refused" || answer.code !== 486);
  if (wrong.length > 0) verdicts.holds(`refusals are 486, not ${JSON.stringify(wrong[0])}`, false);
  // Those who have one ask for a second on the same five-tuple, and refresh: no count may move.
  const holders = probes.filter((_, i) => answers[i]?.kind === "success");
  await Promise.all(holders.map((probe) => probe.ask({ kind: "allocate" })));
  await Promise.all(holders.map((probe) => probe.ask({ kind: "refresh", lifetimeSeconds: 600 })));
  await leave(probes, round);
  return answers.length - refusals.length;
}

/** Clients on all threads and transports, each challenged, so that all that is left is the Allocate. */
async function clients({ probe }: Pick<Gateway, "probe">, credentials: Minted): Promise<readonly Probe[]> {
  const open = probe.bind(gateway);
  return Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const client = await open(TRANSPORTS[i % TRANSPORTS.length] ?? "udp", { credentials, initialTimeoutMs: 3000 });
      await client.must({ kind: "challenge" });
      return client;
    }),
  );
}

async function leave(probes: readonly Probe[], round: number): Promise<void> {
  await Promise.all(
    probes.map(async (probe, i) => {
      const isStream = TRANSPORTS[i % TRANSPORTS.length] !== "udp";
      if (!isStream || round % 2 === 0) await probe.ask({ kind: "refresh", lifetimeSeconds: 0 });
      probe.close();
    }),
  );
  await allocationsGone();
}

/** Each client with a label of its own: what is left is the project's limit. */
async function raceProject(): Promise<void> {
  const probes = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const client = await gateway.probe(TRANSPORTS[i % TRANSPORTS.length] ?? "udp", { credentials: await mint(`guest-${i}`) });
      await client.must({ kind: "challenge" });
      return client;
    }),
  );
  const answers = await Promise.all(probes.map((probe) => probe.ask({ kind: "allocate" })));
  const granted = answers.filter(({ kind }) => kind === "success").length;
  verdicts.equal(`allocations of a project, of ${CLIENTS} clients with a label each`, granted, LIMITS.allocations_per_project);
  await leave(probes, 1);
}

/**
 * Twenty that may move, all they may have at one address, move to another address at once, where there is room for ten;
 * and before that, one is moved by many at once with the same ticket.
 */
async function raceMoves(credentials: Minted): Promise<void> {
  const open = (i: number, host: string): Promise<Probe> =>
    gateway.probe(TRANSPORTS[i % TRANSPORTS.length] ?? "udp", { credentials, local: parseAddress(`${host}:0`) });
  const begin = async (i: number, host: string): Promise<{ probe: Probe; ticket: Uint8Array | undefined }> => {
    const probe = await open(i, host);
    const { mobilityTicket } = await probe.must({ kind: "allocate", mobile: true });
    return { probe, ticket: mobilityTicket };
  };
  const bring = async (probe: Probe, ticket: Uint8Array = new Uint8Array(0)): Promise<Probe> => {
    outcomes.push(await probe.ask({ kind: "refresh", ticket }));
    return probe;
  };
  const outcomes: Awaited<ReturnType<Probe["ask"]>>[] = [];

  const single = await begin(0, FIRST_ADDRESS);
  const claimants = await Promise.all(Array.from({ length: 8 }, (_, i) => open(i, FIRST_ADDRESS)));
  await Promise.all(claimants.map((probe) => probe.must({ kind: "challenge" })));
  await Promise.all(claimants.map((probe) => bring(probe, single.ticket)));
  verdicts.equal("allocations, after one was moved by eight at once", await metric(gateway, "allocations"), 1);
  await leaveAll([single.probe, ...claimants]);

  const limit = LIMITS.allocations_per_label;
  const half = limit / 2;
  const movers = await Promise.all(Array.from({ length: limit }, (_, i) => begin(i, FIRST_ADDRESS)));
  const settlers = await Promise.all(Array.from({ length: half }, (_, i) => begin(i, SECOND_ADDRESS)));
  const moved = await Promise.all(movers.map((_, i) => open(i, SECOND_ADDRESS)));
  await Promise.all(moved.map((probe) => probe.must({ kind: "challenge" })));
  outcomes.length = 0;
  await Promise.all(moved.map((probe, i) => bring(probe, movers[i]?.ticket)));
  const successes = outcomes.filter(({ kind }) => kind === "success").length;
  verdicts.atMost(`of ${limit} that move to an address with room for ${half}, let in`, successes, half);
  verdicts.equal("allocations after that", await metric(gateway, "allocations"), limit + half);
  await leaveAll([...movers.map(({ probe }) => probe), ...settlers.map(({ probe }) => probe), ...moved]);
  verdicts.equal("quota counters above zero after that", await metric(gateway, "quota_counters"), 0);
}

/** Ends whatever each of them has. */
async function leaveAll(probes: readonly Probe[]): Promise<void> {
  await Promise.all(probes.map((probe) => probe.ask({ kind: "refresh", lifetimeSeconds: 0 })));
  for (const probe of probes) probe.close();
  await allocationsGone();
}

/** As many permissions and channels as it takes to be refused; and again when the first have gone. */
async function fill(credentials: Minted): Promise<void> {
  const probe = await gateway.probe("udp", { credentials });
  await probe.must({ kind: "allocate" });
  const refusedAfter = await count(AT_A_TIME + 8, (i) =>
    probe.ask({ kind: "createPermission", peers: [parseAddress(`9.9.${i}.1:9`)] }),
  );
  verdicts.equal("permissions of an allocation before it is refused", refusedAfter, AT_A_TIME);
  await probe.ask({ kind: "refresh", lifetimeSeconds: 0 });
  await probe.must({ kind: "allocate" });
  const channels = await count(AT_A_TIME + 8, (i) =>
    probe.ask({ kind: "channelBind", channel: 0x4000 + i, peer: parseAddress(`9.9.9.9:${1000 + i}`) }),
  );
  verdicts.equal("channels of an allocation before it is refused", channels, AT_A_TIME);
  await probe.ask({ kind: "refresh", lifetimeSeconds: 0 });
  probe.close();
}

/** One datagram to each port of a host, as a port scan would. */
async function scan(credentials: Minted): Promise<void> {
  const probe = await gateway.probe("udp", { credentials });
  await probe.must({ kind: "allocate" });
  await probe.must({ kind: "createPermission", peers: [parseAddress("9.9.9.9:9")] });
  for (let port = 1; port <= 2000; port++) {
    probe.send(parseAddress(`9.9.9.9:${port}`), Uint8Array.of(1));
    if (port % 100 === 0) await probe.must({ kind: "refresh", lifetimeSeconds: 600 });
  }
  const answer = await probe.ask({ kind: "channelBind", channel: 0x4001, peer: parseAddress("9.9.9.9:3000") });
  verdicts.equal("after a scan of 2,000 ports a further peer is refused with", answer.kind === "refused" ? answer.code : 0, 508);
  await probe.ask({ kind: "refresh", lifetimeSeconds: 0 });
  probe.close();
}

/** How many are granted before the first refusal. */
async function count(tries: number, ask: (i: number) => ReturnType<Probe["ask"]>): Promise<number> {
  for (let i = 0; i < tries; i++) if ((await ask(i)).kind !== "success") return i;
  return tries;
}

async function allocationsGone(): Promise<void> {
  const until = performance.now() + SETTLE_MS;
  while (performance.now() < until && (await metric(gateway, "allocations")) > 0) await sleep(20);
}

async function settled(): Promise<void> {
  await allocationsGone();
  verdicts.equal("live allocations at the end", await metric(gateway, "allocations"), 0);
  verdicts.equal("live relayed ports at the end", await metric(gateway, "relay_ports_live"), 0);
  const [made, ended] = [await metric(gateway, "allocations_total"), await metric(gateway, "allocations_ended_total")];
  verdicts.equal(`of ${made} allocations made, ended`, ended, made);
  verdicts.equal("quota counters above zero at the end", await metric(gateway, "quota_counters"), 0);
}
