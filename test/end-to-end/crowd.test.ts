import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Probe } from "../../src/client/probe.ts";
import { startGateway } from "../support/gateway.ts";
import { shared, SLOW } from "../support/shared.ts";

const CLIENTS = 500;
const WITHIN_MS = 50;
/** Whatever is not heard at first is sent again, or given up with the connection, later than this. */
const FIRST_TRY_MS = 9000;
/** How often a busy machine may be too slow in sending; its clients must be let in each time. */
const TRIES = 5;
/** Connections that are made at the same time; a crowd of handshakes is not what this is about. */
const AT_ONCE = 50;

/**
 * Goal: a meeting begins, and everybody is in at once.
 *
 * Method: every client is challenged first, so that all that is left is the authenticated Allocate; then all leave
 * within 50 ms. Nothing is sent twice: the first retransmission is further away than the test's end.
 */
describe("500 clients that allocate at once, with default limits", () => {
  const gateway = shared(() => startGateway());

  for (const transport of ["udp", "tls"] as const) {
    test(`over ${transport} all succeed at the first try`, SLOW, async () => {
      const running = await gateway();
      const credentials = await running.mint();
      const probes: Probe[] = [];
      while (probes.length < CLIENTS) {
        // A connection without an allocation is closed 10 s after its last answer, and handshakes take their time.
        if (transport === "tls") await Promise.all(probes.map((probe) => probe.must({ kind: "binding" })));
        const some = Array.from({ length: AT_ONCE }, async () => {
          const probe = await running.probe(transport, { credentials, initialTimeoutMs: 60_000 });
          await probe.must({ kind: "challenge" });
          return probe;
        });
        probes.push(...(await Promise.all(some)));
      }

      let sentAfter = Infinity;
      for (let tries = 0; sentAfter > WITHIN_MS; tries++) {
        assert.ok(
          tries < TRIES,
          `this machine is too busy to send ${CLIENTS} requests within ${WITHIN_MS} ms: it took ${sentAfter} ms`,
        );
        sentAfter = await rush(probes);
      }
      for (const probe of probes) probe.close();
    });
  }
});

/** All allocate, none may fail, all leave again. @returns over how long the requests left, in milliseconds */
async function rush(probes: readonly Probe[]): Promise<number> {
  const begun = performance.now();
  const answers = probes.map((probe) => probe.ask({ kind: "allocate" }));
  const sentAfter = performance.now() - begun;
  const outcomes = await Promise.all(answers);
  const answeredAfter = performance.now() - begun;
  assert.deepEqual(
    outcomes.filter(({ kind }) => kind !== "success"),
    [],
    "an Allocate was refused, or never answered",
  );
  assert.ok(answeredAfter < FIRST_TRY_MS, `the last answer came after ${answeredAfter} ms: not at the first try`);
  const ports = new Set(outcomes.map((answer) => answer.kind === "success" && answer.relayedAddresses[0]?.port));
  assert.equal(ports.size, probes.length);

  const ends = await Promise.all(probes.map((probe) => probe.ask({ kind: "refresh", lifetimeSeconds: 0 })));
  assert.ok(ends.every(({ kind }) => kind === "success"));
  return sentAfter;
}
