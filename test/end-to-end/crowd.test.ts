import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Probe } from "../../src/client/probe.ts";
import { startGateway } from "../support/gateway.ts";
import { shared, SLOW } from "../support/shared.ts";

const CLIENTS = 500;
const WITHIN_MS = 50;
/** Whatever is not heard at first is sent again, or given up with the connection, later than this. */
const FIRST_TRY_MS = 9000;
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

      const begun = performance.now();
      const answers = probes.map((probe) => probe.ask({ kind: "allocate" }));
      const sentAfter = performance.now() - begun;
      assert.ok(sentAfter < WITHIN_MS, `the requests left over ${sentAfter} ms`);

      const outcomes = await Promise.all(answers);
      const answeredAfter = performance.now() - begun;
      assert.ok(
        answeredAfter < FIRST_TRY_MS,
        `the last answer came after ${answeredAfter} ms, so something was not heard at first`,
      );
      const refused = outcomes.filter(({ kind }) => kind !== "success");
      assert.deepEqual(refused, []);
      const ports = new Set(outcomes.map((answer) => answer.kind === "success" && answer.relayedAddresses[0]?.port));
      assert.equal(ports.size, CLIENTS);

      const ends = await Promise.all(probes.map((probe) => probe.ask({ kind: "refresh", lifetimeSeconds: 0 })));
      assert.ok(ends.every(({ kind }) => kind === "success"));
      for (const probe of probes) probe.close();
    });
  }
});
