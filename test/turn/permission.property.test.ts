import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Simulation } from "../support/simulation.ts";

const PERMISSION_LIFETIME = 300; // seconds, RFC 8656 §9

const peer = fc.constantFrom("198.51.100.1:9", "198.51.100.2:9", "198.51.100.2:10");
const step = fc.oneof(
  fc.record({ do: fc.constant("permit" as const), peer }),
  fc.record({ do: fc.constant("bind" as const), peer, channel: fc.integer({ min: 0x4000, max: 0x4003 }) }),
  fc.record({ do: fc.constant("peerSends" as const), peer }),
  fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 40 }) }),
);

/**
 * Goal: whatever a client asks and however long it waits, a peer is heard exactly while its IP
 * address is permitted. Method: one map from address to expiry is the whole model; the engine
 * runs beside it on simulated time, and the two must agree on every datagram.
 */
test("a peer is heard exactly while its address is permitted", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const world = new Simulation({ seed: 1 });
      const client = world.client({ username: world.username(86_400) }).allocate({ lifetime: 3600 });
      const permittedUntil = new Map<string, number>();
      const ip = (address: string): string => address.split(":")[0] ?? "";

      for (const next of steps) {
        if (next.do === "wait") {
          world.advance({ seconds: next.seconds });
        } else if (next.do === "peerSends") {
          world.peer(next.peer).send(client.relayedAddress, "ping");
          assert.equal(client.received().length, world.seconds < (permittedUntil.get(ip(next.peer)) ?? 0) ? 1 : 0);
        } else {
          const outcome = next.do === "bind" ? client.channelBind(next.channel, next.peer) : client.createPermission(next.peer);
          if (outcome === "ok") permittedUntil.set(ip(next.peer), world.seconds + PERMISSION_LIFETIME);
        }
      }
    }),
    { numRuns: 100 },
  );
});
