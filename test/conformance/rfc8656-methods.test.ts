import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { METHOD } from "../../src/stun/header.ts";
import type { SimulatedClient } from "../support/simulated-client.ts";
import { Simulation } from "../support/simulation.ts";
import { addRaw } from "../support/turn-requests.ts";

const A = "198.51.100.1:9";
const B = "198.51.100.2:9";
const V6 = "[2001:db8::1]:9";

/** A client with an allocation, in a world of its own. */
function allocated(options: ConstructorParameters<typeof Simulation>[0] = {}): { world: Simulation; client: SimulatedClient } {
  const world = new Simulation(options);
  return { world, client: world.client().allocate() };
}

/** As many peers as asked for, each at an address of its own. */
function peersAt(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `198.18.${(from + i) >> 8}.${(from + i) & 255}:9`);
}

describe("RFC 8656 §8.2: Refresh", () => {
  test("RFC 8656 §8.2: a family that the allocation has not is 443", () => {
    const { client } = allocated();
    assert.equal(client.refresh({ family: 6 }).outcome, 443);
    assert.equal(client.refresh({ family: 6, lifetime: 0 }).outcome, 443);
    assert.equal(client.refresh({ family: 4 }).outcome, "ok");
    const unknown = client.ask(METHOD.refresh, (b) => b.add(ATTRIBUTE.requestedAddressFamily, "unknown"));
    assert.equal(unknown.outcome, 443);
  });

  test("RFC 8656 §8.2: a malformed LIFETIME is 400", () => {
    const { world, client } = allocated();
    assert.equal(client.ask(METHOD.refresh, (b) => addRaw(b, ATTRIBUTE.lifetime.type, 0)).outcome, 400);
    assert.equal(world.engine.allocations, 1);
  });

  test("RFC 8656 §8.3: a retransmitted Refresh of 0 is 437, for there is nothing left", () => {
    const { world, client } = allocated();
    const transactionId = new Uint8Array(12).fill(7);
    assert.equal(client.refresh({ lifetime: 0 }, { transactionId }).outcome, "ok");
    assert.equal(client.refresh({ lifetime: 0 }, { transactionId }).outcome, 437);
    world.assertNothingIsLeft();
  });

  test("RFC 8656 §8.2: an expired credential that cuts is 401", () => {
    const world = new Simulation({ settings: { onExpiry: "cut" } });
    const client = world.client({ username: world.username(300) }).allocate();
    world.advance({ seconds: 299 });
    assert.equal(client.refresh().outcome, "ok");
    world.advance({ seconds: 1 });
    assert.equal(client.refresh().outcome, 401);
    assert.equal(client.createPermission(A), 401);
    assert.equal(client.channelBind(0x4000, A), 401);
  });
});

describe("RFC 8656 §10.2: CreatePermission", () => {
  test("RFC 8656 §10.2: no XOR-PEER-ADDRESS is 400", () => {
    assert.equal(allocated().client.createPermission(), 400);
  });

  test("RFC 8656 §10.2: a malformed XOR-PEER-ADDRESS among good ones is 400, and none is permitted", () => {
    const { world, client } = allocated();
    const good = parseAddress(A);
    for (const octets of [[], [0, 1, 0], [0, 3, 0, 0, 1, 2, 3, 4], [0, 2, 0, 0, 1, 2, 3, 4]]) {
      const { outcome } = client.ask(METHOD.createPermission, (b) =>
        addRaw(b.add(ATTRIBUTE.xorPeerAddress, good), ATTRIBUTE.xorPeerAddress.type, ...octets),
      );
      assert.equal(outcome, 400);
    }
    world.peer(A).send(client.relayedAddress, "unheard");
    assert.deepEqual(client.received(), []);
  });

  test("RFC 8656 §10.2: a peer of a family that the allocation has not is 443, and none is permitted", () => {
    const { world, client } = allocated();
    assert.equal(client.createPermission(A, V6), 443);
    world.peer(A).send(client.relayedAddress, "unheard");
    assert.deepEqual(client.received(), []);
  });

  test("RFC 8656 §10.2: a denied peer is 403, and none is permitted", () => {
    const { world, client } = allocated();
    world.peers.denied.add("198.51.100.2");
    assert.equal(client.createPermission(A, B), 403);
    world.peer(A).send(client.relayedAddress, "unheard");
    assert.deepEqual(client.received(), []);
    assert.equal(world.eventsOf("peerDenied")[0]?.rule, "denied 198.51.100.2");
    assert.equal(client.createPermission("198.51.100.1:0"), "ok");
  });

  test("RFC 8656 §10.2: more than 64 permissions at a time are 508", () => {
    const { world, client } = allocated();
    assert.equal(client.createPermission(...peersAt(60)), "ok");
    assert.equal(client.createPermission(...peersAt(5, 60)), 508);
    assert.equal(client.createPermission(...peersAt(4, 60), ...peersAt(4, 60)), "ok");
    assert.equal(client.createPermission(A), 508);
    assert.equal(client.createPermission(...peersAt(64)), "ok");
    world.advance({ seconds: 300 });
    assert.equal(client.createPermission(A), "ok");
  });

  test("RFC 8656 §10.2: more distinct peers than an allocation may have are 508", () => {
    const { world, client } = allocated({ settings: { peersPerAllocation: 3 } });
    client.refresh({ lifetime: 3600 });
    assert.equal(client.createPermission(...peersAt(3)), "ok");
    assert.equal(client.createPermission(A), 508);
    world.advance({ seconds: 300 });
    assert.equal(client.createPermission(A), 508);
    assert.equal(client.createPermission(...peersAt(3)), "ok");
  });
});

describe("RFC 8656 §12.2: ChannelBind", () => {
  test("RFC 8656 §12.2: no CHANNEL-NUMBER or no XOR-PEER-ADDRESS is 400", () => {
    const { client } = allocated();
    assert.equal(client.ask(METHOD.channelBind, (b) => b.add(ATTRIBUTE.channelNumber, 0x4000)).outcome, 400);
    assert.equal(client.ask(METHOD.channelBind, (b) => b.add(ATTRIBUTE.xorPeerAddress, parseAddress(A))).outcome, 400);
    assert.equal(client.ask(METHOD.channelBind).outcome, 400);
  });

  test("RFC 8656 §12.2: a malformed CHANNEL-NUMBER or XOR-PEER-ADDRESS is 400", () => {
    const { client } = allocated();
    const peer = client.ask(METHOD.channelBind, (b) =>
      addRaw(b.add(ATTRIBUTE.channelNumber, 0x4000), ATTRIBUTE.xorPeerAddress.type, 0, 1),
    );
    assert.equal(peer.outcome, 400);
    const number = client.ask(METHOD.channelBind, (b) =>
      addRaw(b.add(ATTRIBUTE.xorPeerAddress, parseAddress(A)), ATTRIBUTE.channelNumber.type, 0x40, 0),
    );
    assert.equal(number.outcome, 400);
  });

  test("RFC 8656 §12.2: a number outside 0x4000 to 0x7fff is 400", () => {
    const { client } = allocated();
    for (const number of [0, 0x3fff, 0x8000, 0xffff]) assert.equal(client.channelBind(number, A), 400);
    assert.equal(client.channelBind(0x4000, A), "ok");
    assert.equal(client.channelBind(0x7fff, B), "ok");
  });

  test("RFC 8656 §12.2: a number bound to another peer is 400", () => {
    const { client } = allocated();
    assert.equal(client.channelBind(0x4000, A), "ok");
    assert.equal(client.channelBind(0x4000, B), 400);
    assert.equal(client.channelBind(0x4000, "198.51.100.1:10"), 400);
    assert.equal(client.channelBind(0x4000, A), "ok");
  });

  test("RFC 8656 §12.2: a peer bound to another number is 400", () => {
    const { client } = allocated();
    assert.equal(client.channelBind(0x4000, A), "ok");
    assert.equal(client.channelBind(0x4001, A), 400);
    assert.equal(client.channelBind(0x4001, "198.51.100.1:10"), "ok");
  });

  test("RFC 8656 §12: number and peer of an expired channel are 400 for others during five minutes", () => {
    const { world, client } = allocated();
    client.refresh({ lifetime: 3600 });
    assert.equal(client.channelBind(0x4000, A), "ok");
    world.advance({ seconds: 600 });
    assert.equal(world.routes.size, 0);
    assert.equal(client.channelBind(0x4000, B), 400);
    assert.equal(client.channelBind(0x4001, A), 400);
    world.advance({ seconds: 299 });
    assert.equal(client.channelBind(0x4000, B), 400);
    world.advance({ seconds: 1 });
    assert.equal(client.channelBind(0x4000, B), "ok");
    assert.equal(client.channelBind(0x4001, A), "ok");
  });

  test("RFC 8656 §12.2: a peer of a family that the allocation has not is 443", () => {
    assert.equal(allocated().client.channelBind(0x4000, V6), 443);
    const world = new Simulation();
    const ipv6 = world.client().allocate({ family: 6 });
    assert.equal(ipv6.channelBind(0x4000, A), 443);
    assert.equal(ipv6.channelBind(0x4000, V6), "ok");
  });

  test("RFC 8656 §12.2: a denied peer or port is 403, and nothing is bound", () => {
    const { world, client } = allocated();
    world.peers.denied.add("198.51.100.2");
    assert.equal(client.channelBind(0x4000, B), 403);
    assert.equal(client.channelBind(0x4000, "198.51.100.1:0"), 403);
    assert.equal(world.routes.size, 0);
    assert.equal(client.channelBind(0x4000, A), "ok");
  });

  test("RFC 8656 §12.2: more than 64 channels at a time are 508", () => {
    const { client } = allocated();
    for (const [i, peer] of peersAt(64).entries()) assert.equal(client.channelBind(0x4000 + i, peer), "ok");
    assert.equal(client.channelBind(0x4fff, "198.18.0.1:10"), 508);
    assert.equal(client.channelBind(0x4000, peersAt(1)[0] ?? ""), "ok");
  });

  test("RFC 8656 §12.2: a channel that needs a permission beyond the limit is 508", () => {
    const { client } = allocated();
    assert.equal(client.createPermission(...peersAt(64)), "ok");
    assert.equal(client.channelBind(0x4000, A), 508);
    assert.equal(client.channelBind(0x4000, peersAt(1)[0] ?? ""), "ok");
  });

  test("RFC 8656 §12.2: a channel to more distinct peers than an allocation may have is 508", () => {
    const { client } = allocated({ settings: { peersPerAllocation: 2 } });
    assert.equal(client.channelBind(0x4000, "198.51.100.1:1"), "ok");
    assert.equal(client.channelBind(0x4001, "198.51.100.1:2"), "ok");
    assert.equal(client.channelBind(0x4002, "198.51.100.1:3"), 508);
    assert.equal(client.channelBind(0x4001, "198.51.100.1:2"), "ok");
  });
});
