import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Probe } from "../../src/client/probe.ts";
import { parseAddress, type Transport } from "../../src/net/address.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED, until } from "../support/shared.ts";

const CLIENTS = 24;
const LIMITS = { allocations_per_label: 5, allocations_per_credential: 7, allocations_per_project: 9 };
const TRANSPORTS: readonly Transport[] = ["udp", "udp", "tcp", "tls"];
const SETTLE_MS = 10_000;

/** Goal: a limit is a limit, whichever thread and transport a client comes by, and nothing stays counted. */
describe("limits of allocations, raced over all threads", () => {
  const gateway = shared(() => startGateway({ settings: { limits: LIMITS } }));

  for (const [what, label, limit] of [
    ["a label", "alice", LIMITS.allocations_per_label],
    ["a credential without a label", undefined, LIMITS.allocations_per_credential],
  ] as const) {
    test(`${what}: so many at one address, 486 for the rest, again and again`, UNHURRIED, async () => {
      const running = await gateway();
      const credentials = await running.mint({ ttl: 3600, ...(label === undefined ? {} : { label }) });
      for (let round = 0; round < 3; round++) {
        const probes = await challenged(running, () => credentials, "127.0.0.1");
        assert.equal(await granted(probes), limit, `round ${round}`);
        await leave(running, probes);
      }
    });
  }

  test("each address of a client's counts for itself", UNHURRIED, async () => {
    const running = await gateway();
    const credentials = await running.mint({ label: "bob" });
    const first = await challenged(running, () => credentials, "127.0.0.1");
    assert.equal(await granted(first), LIMITS.allocations_per_label);
    const second = await challenged(running, () => credentials, "127.0.0.2");
    assert.equal(await granted(second), LIMITS.allocations_per_project - LIMITS.allocations_per_label, "the project's limit");
    await leave(running, [...first, ...second]);
  });

  test("a project: so many in all, whatever their labels", UNHURRIED, async () => {
    const running = await gateway();
    const pairs = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => running.mint({ label: `guest-${i}` })));
    const probes = await challenged(running, (i) => pairs[i] ?? pairs[0], "127.0.0.1");
    assert.equal(await granted(probes), LIMITS.allocations_per_project);
    await leave(running, probes);
  });
});

type Pair = { readonly username: string; readonly credential: string } | undefined;

/** Clients over all transports that know realm and nonce: all that is left is the Allocate. */
function challenged(running: Gateway, pairOf: (i: number) => Pair, host: string): Promise<readonly Probe[]> {
  return Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const transport = TRANSPORTS[i % TRANSPORTS.length] ?? "udp";
      const probe = await running.probe(transport, { credentials: pairOf(i), local: parseAddress(`${host}:0`) });
      await probe.must({ kind: "challenge" });
      return probe;
    }),
  );
}

/** All allocate at once. @returns how many may; the others are told 486 */
async function granted(probes: readonly Probe[]): Promise<number> {
  const answers = await Promise.all(probes.map((probe) => probe.ask({ kind: "allocate" })));
  for (const answer of answers) if (answer.kind !== "success") assert.equal(answer.kind === "refused" && answer.code, 486);
  return answers.filter(({ kind }) => kind === "success").length;
}

/** Some say that they go, streams just go; then nothing is counted any more. */
async function leave(running: Gateway, probes: readonly Probe[]): Promise<void> {
  await Promise.all(
    probes.map(async (probe, i) => {
      if (TRANSPORTS[i % TRANSPORTS.length] === "udp") await probe.ask({ kind: "refresh", lifetimeSeconds: 0 });
      probe.close();
    }),
  );
  const nothingIsCounted = async (): Promise<boolean> => {
    const { text } = await running.ask({ path: "/metrics", over: "metrics" });
    return /^icebreaker_quota_counters 0$/m.test(text) && /^icebreaker_relay_ports_live 0$/m.test(text);
  };
  await until(nothingIsCounted, SETTLE_MS, "Counters of zero");
}
