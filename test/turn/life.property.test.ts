import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, type Transport } from "../../src/net/address.ts";
import { ipKey, parseAddress } from "../../src/net/address.ts";
import type { SimulatedClient } from "../support/simulated-client.ts";
import { Simulation } from "../support/simulation.ts";

const CLIENTS = 6;
const PEERS = ["198.51.100.1:9", "198.51.100.2:9", "198.51.100.2:10", "[2001:db8:1::1]:9", "198.51.100.66:9"];
const DENIED = "198.51.100.66";

const who = fc.nat(CLIENTS - 1);
const peer = fc.constantFrom(...PEERS);
const channel = fc.integer({ min: 0x4000, max: 0x4004 });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("allocate" as const), who, kind: fc.nat(4), lifetime: fc.constantFrom(600, 1200) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("refresh" as const),
      who,
      lifetime: fc.constantFrom(0, 600, 900),
      family: fc.constantFrom(4, 6, 0),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("permit" as const), who, peer }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("bind" as const), who, peer, channel }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), who, peer }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("sendOver" as const), who, channel }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("peerSends" as const), who, peer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const), who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 250 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const TRANSPORTS: readonly Transport[] = ["udp", "udp", "udp", "tcp", "tls", "tls"];
const KINDS = [
  {},
  { dual: true },
  { family: 6 as const },
  { evenPort: { reserveNext: true } },
  { evenPort: { reserveNext: false } },
];

function take(world: Simulation, client: SimulatedClient, next: Step): void {
  switch (next.do) {
    case "allocate": {
      const reply = client.tryAllocate({ ...KINDS[next.kind], lifetime: next.lifetime });
      assert.ok(["ok", 437, 486, 508, 401].includes(reply.outcome), `an Allocate is ${reply.outcome}`);
      break;
    }
    case "refresh":
      client.refresh({ lifetime: next.lifetime, ...(next.family === 0 ? {} : { family: next.family === 4 ? 4 : 6 }) });
      break;
    case "permit":
      client.createPermission(next.peer);
      break;
    case "bind":
      client.channelBind(next.channel, next.peer);
      break;
    case "send":
      client.sendTo(next.peer, "data");
      break;
    case "sendOver":
      client.sendOver(next.channel, "data");
      break;
    case "peerSends":
      for (const relayed of client.relayedAddresses) world.peer(next.peer).send(relayed, "data");
      break;
    case "disconnect":
      if (client.from.transport !== "udp") client.disconnect();
      break;
    case "end":
      world.handle({ kind: "ended", username: client.username });
      break;
    case "wait":
      world.advance({ seconds: next.seconds });
  }
}

/** What must hold after every step, as far as it can be seen from outside. */
function check(world: Simulation): void {
  const views = [...world.engine.describe()];
  assert.equal(views.length, world.engine.allocations);
  const relayed = views.flatMap((view) => view.relayed).map(formatAddress);
  assert.equal(new Set(relayed).size, relayed.length, "no relayed address is two allocations'");
  assert.equal(world.openRelays, relayed.length, "a relay is open exactly while an allocation has it");
  assert.ok(
    views.every(({ expiresMs }) => expiresMs > world.now.monotonicMs),
    "what has expired is gone",
  );
  assert.equal(world.eventsOf("allocated").length - world.eventsOf("allocationEnded").length, views.length);
  for (const route of world.routes.values()) {
    const view = views.find(({ facts }) => facts.client === route.client);
    assert.ok(view, "every route has an allocation");
    const permitted = view.peers.some((ip) => ipKey(ip) === ipKey(route.peer.ip));
    assert.equal(route.toClient, permitted, "a route leads to the client exactly while its peer is permitted");
  }
  const denied = ipKey(parseAddress(`${DENIED}:1`).ip);
  assert.ok(
    views.every(({ peers }) => peers.every((ip) => ipKey(ip) !== denied)),
    "no denied peer is permitted",
  );
  assert.equal(world.peer(`${DENIED}:9`).received().length, 0);
}

/**
 * Goal: whatever clients, peers and operators do in whatever order, what an allocation takes comes back, and what is
 * counted is what has passed. Method: six clients on all transports share few ports and a small quota; after each step
 * the world is looked at from outside, and when all is over it must be as it was.
 */
test("ports, permissions, channels, quota and counters come back, in every life", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 200, size: "max" }), fc.integer(), (steps, seed) => {
      const world = new Simulation({ seed, ports: [50_000, 50_003], quota: { perProject: 5 }, slots: 5 });
      world.peers.denied.add(DENIED);
      const clients = TRANSPORTS.map((transport) => world.client({ transport, username: world.username(90_000) }));
      for (const client of clients) client.tryAllocate({ lifetime: 1200 });
      let passed = 0;
      for (const next of steps) {
        const client = clients["who" in next ? next.who : 0];
        assert.ok(client);
        take(world, client, next);
        for (const each of clients) passed += each.received().length;
        for (const each of PEERS) passed += world.peer(each).received().length;
        check(world);
      }
      world.advance({ seconds: 4000 });
      world.assertNothingIsLeft();
      const totals = world.eventsOf("allocationEnded").map(({ traffic }) => traffic);
      assert.equal(
        totals.reduce((sum, one) => sum + one.packetsToPeer + one.packetsToClient, 0),
        passed,
      );
      for (let slot = 0; slot < 5; slot++) assert.ok(world.traffic.open() !== undefined, "every place in the counters is free");
    }),
    { numRuns: 100 },
  );
});
