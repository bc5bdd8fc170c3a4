import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";
import type { SimulatedClient } from "../support/simulated-client.ts";
import { Simulation } from "../support/simulation.ts";
import { addRaw } from "../support/turn-requests.ts";

const PEER = "198.51.100.1:9";

function permitted(options: ConstructorParameters<typeof Simulation>[0] = {}): { world: Simulation; client: SimulatedClient } {
  const world = new Simulation(options);
  const client = world.client().allocate();
  assert.equal(client.createPermission(PEER), "ok");
  return { world, client };
}

describe("RFC 8656 §11.2: Send", () => {
  test("goes to any port of a permitted address, and to no other", () => {
    const { world, client } = permitted();
    for (const peer of [PEER, "198.51.100.1:10", "198.51.100.2:9", "[2001:db8::1]:9"]) client.sendTo(peer, peer);
    assert.equal(world.peer(PEER).received().length, 1);
    assert.equal(world.peer("198.51.100.1:10").received().length, 1);
    assert.equal(world.peer("198.51.100.2:9").received().length, 0);
    assert.equal(world.eventsOf("ignored").filter(({ why }) => why === "no permission").length, 2);
  });

  test("carries empty data, and any octets", () => {
    const { world, client } = permitted();
    client.sendTo(PEER, "");
    client.sendTo(PEER, "x".repeat(60_000));
    assert.deepEqual(
      world
        .peer(PEER)
        .received()
        .map(({ text }) => text.length),
      [0, 60_000],
    );
  });

  test("does not refresh the permission", () => {
    const { world, client } = permitted();
    world.advance({ seconds: 299 });
    client.sendTo(PEER, "in time");
    world.advance({ seconds: 1 });
    client.sendTo(PEER, "too late");
    assert.deepEqual(
      world
        .peer(PEER)
        .received()
        .map(({ text }) => text),
      ["in time"],
    );
  });

  test("to a port that policy denies is silence, also when the port was allowed a second before", () => {
    const { world, client } = permitted();
    client.sendTo("198.51.100.1:0", "port 0");
    client.sendTo(PEER, "one");
    world.peers.denied.add("198.51.100.1");
    world.advance({ seconds: 1 });
    client.sendTo(PEER, "two");
    assert.deepEqual(
      world
        .peer(PEER)
        .received()
        .map(({ text }) => text),
      ["one"],
    );
    assert.equal(world.peer("198.51.100.1:0").received().length, 0);
  });

  test("to more distinct peers than an allocation may have is silence", () => {
    const { world, client } = permitted({ settings: { peersPerAllocation: 2 } });
    const peers = [1, 2, 3].map((port) => `198.51.100.1:${port}`);
    for (const peer of [...peers, ...peers]) client.sendTo(peer, "x");
    assert.deepEqual(
      peers.map((peer) => world.peer(peer).received().length),
      [2, 2, 0],
    );
  });

  test("without data, without peer, or with an unknown attribute that must be understood is silence", () => {
    const { world, client } = permitted();
    const indication = () => new MessageBuilder(METHOD.send, CLASS.indication, new Uint8Array(12));
    const peer = parseAddress(PEER);
    const data = new Uint8Array(4);
    for (const builder of [
      indication().add(ATTRIBUTE.xorPeerAddress, peer),
      indication().add(ATTRIBUTE.data, data),
      addRaw(indication().add(ATTRIBUTE.xorPeerAddress, peer).add(ATTRIBUTE.data, data), 0x7ffe),
      addRaw(indication(), ATTRIBUTE.xorPeerAddress.type, 1, 2).add(ATTRIBUTE.data, data),
    ]) {
      assert.deepEqual(client.exchange(builder.build()), []);
    }
    assert.equal(world.peer(PEER).received().length, 0);
  });

  test("without an allocation is silence", () => {
    const world = new Simulation();
    const client = world.client();
    client.sendTo(PEER, "x");
    assert.deepEqual(client.inbox, []);
    assert.deepEqual(world.events, [{ type: "ignored", why: "no allocation" }]);
  });

  test("hands DONT-FRAGMENT on, and is silence with it where it cannot be honoured", () => {
    const { world, client } = permitted();
    client.sendTo(PEER, "whole", (b) => b.add(ATTRIBUTE.dontFragment, true));
    client.sendTo(PEER, "any");
    assert.deepEqual(
      world
        .peer(PEER)
        .received()
        .map(({ dontFragment }) => dontFragment),
      [true, false],
    );
    world.configure({ dontFragment: false });
    client.sendTo(PEER, "whole", (b) => b.add(ATTRIBUTE.dontFragment, true));
    assert.equal(world.peer(PEER).received().length, 0);
  });

  test("beyond the bandwidth is dropped and counted, in each direction", () => {
    const { world, client } = permitted({ bytesPerSecond: 1000 });
    for (let i = 0; i < 70; i++) client.sendTo(PEER, "x".repeat(1000));
    for (let i = 0; i < 70; i++) world.peer(PEER).send(client.relayedAddress, "x".repeat(1000));
    assert.equal(world.peer(PEER).received().length, 1);
    assert.equal(client.received().length, 1);
    client.refresh({ lifetime: 0 });
    const { packetsToPeer, packetsToClient, dropped } = world.eventsOf("allocationEnded")[0]?.traffic ?? {};
    assert.deepEqual([packetsToPeer, packetsToClient, dropped], [1, 1, 138]);
  });
});

describe("RFC 8656 §11.3: data from peers", () => {
  test("comes as a Data indication from any port of a permitted address, with a fresh transaction id", () => {
    const { world, client } = permitted();
    const ids = new Set<string>();
    for (let port = 1; port <= 300; port++) {
      world.peer(`198.51.100.1:${port}`).send(client.relayedAddress, `${port}`);
      const [{ bytes } = { bytes: new Uint8Array(0) }] = client.inbox;
      ids.add(String(Message.decode(bytes)?.transactionId));
      assert.deepEqual(client.received(), [{ peer: `198.51.100.1:${port}`, text: `${port}` }]);
    }
    assert.equal(ids.size, 300);
  });

  test("is dropped without a permission", () => {
    const { world, client } = permitted();
    world.peer("198.51.100.2:9").send(client.relayedAddress, "unheard");
    assert.deepEqual(client.received(), []);
    assert.deepEqual(world.eventsOf("ignored"), [{ type: "ignored", why: "no permission" }]);
    world.handle({ kind: "peerDatagram", relay: 999, peer: parseAddress(PEER), bytes: new Uint8Array(1) });
    assert.equal(world.eventsOf("ignored")[1]?.why, "no allocation");
  });

  test("RFC 8656 §12.5: of a bound peer is ChannelData even where it met no route", () => {
    const { world, client } = permitted();
    client.channelBind(0x4000, PEER);
    const [route] = world.routes.values();
    world.handle({ kind: "peerDatagram", relay: route?.relay ?? -1, peer: parseAddress(PEER), bytes: new Uint8Array(5) });
    assert.equal(client.received()[0]?.channel, 0x4000);
  });
});

describe("RFC 8656 §11.5: ICMP", () => {
  test("errors about a permitted address are told, with type, code and data", () => {
    const { world, client } = permitted();
    for (const icmp of [
      { type: 3, code: 3, data: 0 },
      { type: 3, code: 4, data: 1280 },
      { type: 11, code: 0, data: 0 },
    ]) {
      world.unreachable(client.relayedAddress, PEER, icmp);
      const [{ bytes } = { bytes: new Uint8Array(0) }] = client.inbox.splice(0);
      const message = Message.decode(bytes);
      assert.deepEqual([message?.method, message?.class], [METHOD.data, CLASS.indication]);
      assert.deepEqual(message?.icmp, icmp);
      assert.deepEqual(message?.xorPeerAddress, parseAddress(PEER));
      assert.equal(message?.data, undefined);
    }
  });

  test("other types, addresses without a permission, and relays of nobody are silence", () => {
    const { world, client } = permitted();
    const unreachable = { type: 3, code: 3, data: 0 };
    world.unreachable(client.relayedAddress, PEER, { type: 5, code: 0, data: 0 });
    world.unreachable(client.relayedAddress, "198.51.100.2:9", unreachable);
    world.unreachable(parseAddress("203.0.113.7:1"), PEER, unreachable);
    assert.deepEqual(client.inbox, []);
  });

  test("ICMPv6 has types of its own", () => {
    const world = new Simulation();
    const client = world.client().allocate({ family: 6 });
    const peer = "[2001:db8:1::1]:9";
    client.createPermission(peer);
    for (const type of [1, 2, 3, 11]) world.unreachable(client.relayedAddress, peer, { type, code: 0, data: 0 });
    assert.equal(client.inbox.length, 3);
  });
});
