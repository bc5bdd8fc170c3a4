import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { METHOD } from "../../src/stun/header.ts";
import { Message } from "../../src/stun/message.ts";
import { MAX_CONNECTIONS } from "../../src/turn/settings.ts";
import type { Fill } from "../support/simulated-client.ts";
import { Simulation, type SimulationOptions } from "../support/simulation.ts";
import { answered, connect, connectionBind, tryAllocateTcp, wanted } from "../support/tcp-client.ts";

const PEER = "198.51.100.1:80";
const DESCRIPTOR = 77;

/** A control connection with a TCP allocation; and a second shard. */
function scene(options: SimulationOptions = {}) {
  const world = new Simulation({ ...options, settings: { tcpRelay: true, ...options.settings } });
  const other = new Simulation({ settings: { tcpRelay: true }, beside: world });
  const username = world.username();
  const control = world.client({ username, transport: "tls" });
  assert.equal(tryAllocateTcp(control).outcome, "ok");
  return { world, other, username, control };
}

/** The same, with a connection that waits to be bound. */
function connected() {
  const it = scene();
  assert.equal(connect(it.control, PEER).outcome, "silence");
  const { connection } = wanted(it.world, "connectPeer");
  it.world.handle({ kind: "peerConnected", connection, descriptor: DESCRIPTOR });
  const { id } = answered(it.control);
  assert.equal(id, connection);
  return { ...it, id: id ?? 0 };
}

/** The same, bound from a stream of the other shard. */
function spliced() {
  const it = connected();
  const data = it.other.client({ username: it.username, transport: "tls" });
  assert.equal(connectionBind(data, it.id).outcome, "ok");
  return { ...it, data };
}

describe("RFC 6062 §5.1: TCP allocations", () => {
  test("RFC 6062 §5.1: an Allocate for TCP over TCP or TLS is granted, without RESERVATION-TOKEN", () => {
    for (const transport of ["tcp", "tls"] as const) {
      const world = new Simulation({ settings: { tcpRelay: true } });
      const client = world.client({ transport });
      const { outcome, message } = tryAllocateTcp(client);
      assert.equal(outcome, "ok");
      assert.equal(message?.reservationToken, undefined);
      client.disconnect();
      world.assertNothingIsLeft();
    }
  });

  test("RFC 6062 §5.1: an Allocate for TCP over UDP is 400", () => {
    const world = new Simulation({ settings: { tcpRelay: true } });
    assert.equal(tryAllocateTcp(world.client()).outcome, 400);
  });

  test("RFC 6062 §5.1: what goes with datagrams is 400 in an Allocate for TCP", () => {
    const world = new Simulation({ settings: { tcpRelay: true } });
    const fills: Fill[] = [
      (b) => b.add(ATTRIBUTE.dontFragment, true),
      (b) => b.add(ATTRIBUTE.evenPort, { reserveNext: false }),
      (b) => b.add(ATTRIBUTE.reservationToken, new Uint8Array(8)),
      (b) => b.add(ATTRIBUTE.additionalAddressFamily, 6),
    ];
    for (const fill of fills) assert.equal(tryAllocateTcp(world.client({ transport: "tcp" }), fill).outcome, 400);
    world.assertNothingIsLeft();
  });

  test("RFC 6062 §5.1: an Allocate for TCP where it is off is 442, and Connect gets no answer", () => {
    const world = new Simulation();
    const client = world.client({ transport: "tcp" });
    assert.equal(tryAllocateTcp(client).outcome, 442);
    assert.equal(connect(client.allocate(), PEER).outcome, "silence");
  });

  test("RFC 6062 §5.1: a MOBILITY-TICKET for a TCP allocation is 405", () => {
    const world = new Simulation({ settings: { tcpRelay: true } });
    const ask: Fill = (b) => b.add(ATTRIBUTE.mobilityTicket, new Uint8Array(0));
    assert.equal(tryAllocateTcp(world.client({ transport: "tcp" }), ask).outcome, 405);
  });

  test("RFC 6062 §5.1: a TCP allocation has no channels: ChannelBind is 400, and Send is ignored", () => {
    const { world, control } = scene();
    assert.equal(control.channelBind(0x4000, PEER), 400);
    assert.equal(control.createPermission(PEER), "ok");
    control.sendTo(PEER, "a datagram");
    assert.deepEqual(world.peer(PEER).received(), []);
  });
});

describe("RFC 6062 §5.2: Connect", () => {
  test("RFC 6062 §5.2: a Connect is answered with a CONNECTION-ID when the peer has answered", () => {
    const { world, control, id } = connected();
    assert.ok(id >= 0);
    assert.equal(control.refresh({ lifetime: 0 }).outcome, "ok");
    assert.equal(wanted(world, "closePeer").descriptor, DESCRIPTOR);
    world.assertNothingIsLeft();
  });

  test("RFC 6062 §5.2: a Connect without an allocation is 437", () => {
    const { world } = scene();
    assert.equal(connect(world.client({ transport: "tcp" }), PEER).outcome, 437);
  });

  test("RFC 6062 §5.2: a Connect of another username is 441", () => {
    const { world, control } = scene();
    control.username = world.username(99, "project_other");
    assert.equal(connect(control, PEER).outcome, 441);
  });

  test("RFC 6062 §5.2: a Connect without XOR-PEER-ADDRESS, or on a UDP allocation, is 400", () => {
    const { world, control } = scene();
    assert.equal(control.ask(METHOD.connect).outcome, 400);
    assert.equal(connect(world.client({ transport: "tcp" }).allocate(), PEER).outcome, 400);
  });

  test("RFC 6062 §5.2: a Connect to a peer of another family is 443", () => {
    assert.equal(connect(scene().control, "[2001:db8::1]:80").outcome, 443);
  });

  test("RFC 6062 §5.2: a Connect to a denied peer is 403", () => {
    const { world, control } = scene();
    world.peers.denied.add("198.51.100.1");
    assert.equal(connect(control, PEER).outcome, 403);
    assert.equal(connect(control, "198.51.100.2:0").outcome, 403);
    assert.deepEqual(world.streams, []);
  });

  test("RFC 6062 §5.2: a second Connect to a peer is 446, while the first is under way, waits or is bound", () => {
    const it = scene();
    connect(it.control, PEER);
    assert.equal(connect(it.control, PEER).outcome, 446);
    assert.equal(connect(spliced().control, PEER).outcome, 446);
    const waiting = connected();
    assert.equal(connect(waiting.control, PEER).outcome, 446);
    assert.equal(connect(waiting.control, "198.51.100.1:81").outcome, "silence", "another port is another peer");
  });

  test("RFC 6062 §5.2: a peer that refuses, or does not answer within 30 seconds, is 447", () => {
    const { world, control } = scene();
    connect(control, PEER);
    const { connection } = wanted(world, "connectPeer");
    world.handle({ kind: "peerFailed", connection });
    assert.equal(answered(control).code, 447);
    connect(control, PEER);
    world.advance({ ms: 29_999 });
    assert.deepEqual(control.inbox, []);
    world.advance({ ms: 1 });
    assert.equal(answered(control).code, 447);
    const late = wanted(world, "giveUpPeer").connection;
    world.handle({ kind: "peerConnected", connection: late, descriptor: 5 });
    assert.equal(wanted(world, "closePeer").descriptor, 5);
  });

  test("RFC 6062 §5.2: more than 64 connections at a time are 508", () => {
    const { control } = scene();
    for (let i = 0; i < MAX_CONNECTIONS; i++) assert.equal(connect(control, `198.51.100.1:${i + 1}`).outcome, "silence");
    assert.equal(connect(control, "198.51.100.1:1000").outcome, 508);
  });
});

describe("RFC 6062 §5.3: connections from peers", () => {
  test("RFC 6062 §5.3: a permitted peer is told of by ConnectionAttempt; others are closed", () => {
    const { world, other, control, username } = scene();
    const relay = world.relayAt(control.relayedAddress);
    const peer = parseAddress("198.51.100.9:4000");
    world.handle({ kind: "peerAccepted", relay, peer, descriptor: 8 });
    assert.equal(wanted(world, "closePeer").descriptor, 8);
    assert.equal(control.inbox.length, 0);

    control.createPermission("198.51.100.9:1");
    world.handle({ kind: "peerAccepted", relay, peer, descriptor: 9 });
    const message = Message.decode(control.inbox.splice(0)[0]?.bytes ?? new Uint8Array(0));
    assert.equal(message?.method, METHOD.connectionAttempt);
    assert.equal(formatAddress(message?.xorPeerAddress ?? peer), "198.51.100.9:4000");
    const data = other.client({ username, transport: "tcp" });
    assert.equal(connectionBind(data, message?.connectionId ?? 0).outcome, "ok");
    assert.equal(wanted(other, "splice").descriptor, 9);
  });

  test("RFC 6062 §5.3: a connection that is not bound within 30 seconds is closed", () => {
    const { world, other, username, id } = connected();
    world.advance({ seconds: 30 });
    assert.equal(wanted(world, "closePeer").descriptor, DESCRIPTOR);
    assert.equal(connectionBind(other.client({ username, transport: "tcp" }), id).outcome, 400);
  });
});

describe("RFC 6062 §5.4: ConnectionBind", () => {
  test("RFC 6062 §5.4: a stream of any shard becomes the data connection", () => {
    for (const pick of ["world", "other"] as const) {
      const it = connected();
      const data = it[pick].client({ username: it.username, transport: "tls" });
      assert.equal(connectionBind(data, it.id).outcome, "ok");
      const { client, descriptor } = wanted(it[pick], "splice");
      assert.deepEqual([client.socket, descriptor], [data.from.socket, DESCRIPTOR]);
      assert.equal(
        it[pick].streams.some(({ kind }) => kind === "holdClient"),
        true,
      );
      it.world.advance({ seconds: 60 });
      assert.equal(
        it.world.streams.some(({ kind }) => kind === "closePeer"),
        false,
        "it has no time-out any more",
      );
    }
  });

  test("RFC 6062 §5.4: a ConnectionBind over UDP is 400", () => {
    const { world, username, id } = connected();
    assert.equal(connectionBind(world.client({ username }), id).outcome, 400);
  });

  test("RFC 6062 §5.4: a ConnectionBind without CONNECTION-ID, or with one that nobody has, is 400", () => {
    const { world, other, username, id } = connected();
    const data = other.client({ username, transport: "tcp" });
    assert.equal(data.ask(METHOD.connectionBind).outcome, 400);
    for (const wrong of [id ^ 1, id + 2 ** 20, 0xffff_ffff]) assert.equal(connectionBind(data, wrong).outcome, 400);
    assert.equal(wanted(other, "releaseClient").client.socket, data.from.socket, "it may go on");
    assert.equal(
      world.streams.some(({ kind }) => kind === "splice"),
      false,
    );
  });

  test("RFC 6062 §5.4: a ConnectionBind over the control connection is 400", () => {
    const { control, id } = connected();
    assert.equal(connectionBind(control, id).outcome, 400);
  });

  test("RFC 6062 §5.4: a ConnectionBind of another username is 441", () => {
    const { world, other, id } = connected();
    const thief = other.client({ username: world.username(99, "project_other"), transport: "tcp" });
    assert.equal(connectionBind(thief, id).outcome, 441);
  });

  test("RFC 6062 §5.4: a ConnectionBind of an expired username is 401, unless its allocation outlives it", () => {
    for (const [onExpiry, outcome] of [
      ["finish", "ok"],
      ["cut", 401],
    ] as const) {
      const { world, other, control, username } = scene({ settings: { onExpiry } });
      connect(control, PEER);
      world.handle({ kind: "peerConnected", connection: wanted(world, "connectPeer").connection, descriptor: DESCRIPTOR });
      const { id = 0 } = answered(control);
      world.unixOffsetMs = 10_000_000;
      assert.equal(connectionBind(other.client({ username, transport: "tcp" }), id).outcome, outcome);
    }
  });

  test("RFC 6062 §5.4: a connection is bound once: a second ConnectionBind is 400", () => {
    const { other, username, id } = spliced();
    assert.equal(connectionBind(other.client({ username, transport: "tcp" }), id).outcome, 400);
  });
});

describe("RFC 6062 §3: the end", () => {
  test("RFC 6062 §3: when the control connection closes, everything does", () => {
    const { world, other, control, id } = spliced();
    control.disconnect();
    assert.equal(wanted(other, "closeSplice").connection, id);
    other.handle({ kind: "spliceEnded", shard: 0, connection: id, toPeer: 3, toClient: 4 });
    world.assertNothingIsLeft();
  });

  test("RFC 6062 §3: when a data connection ends, its peer may be connected again, and its octets are counted", () => {
    const { world, other, control, id } = spliced();
    other.handle({ kind: "spliceEnded", shard: 0, connection: id, toPeer: 300, toClient: 4000 });
    assert.equal(connect(control, PEER).outcome, "silence");
    control.refresh({ lifetime: 0 });
    const [ended] = world.eventsOf("allocationEnded");
    assert.deepEqual([ended?.traffic.octetsToPeer, ended?.traffic.octetsToClient], [300, 4000]);
    world.assertNothingIsLeft();
  });
});
