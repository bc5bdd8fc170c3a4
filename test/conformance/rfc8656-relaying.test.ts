import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readUint16 } from "../../src/lib/bytes.ts";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { parseIp } from "../../src/net/ip.ts";
import { PeerRules } from "../../src/policy/peers.ts";
import { type Attribute, ATTRIBUTE } from "../../src/stun/attributes.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";
import { relayedIn } from "../support/simulated-client.ts";
import { relayAddress, Simulation } from "../support/simulation.ts";
import { addRaw } from "../support/turn-requests.ts";

const A = "198.51.100.1:9";

/** The octets of an attribute's value in a message. */
function octetsIn(message: Message | undefined, { type }: Attribute<unknown>): Uint8Array {
  const at = message?.offsets.find((offset) => readUint16(message.bytes, offset) === type);
  assert.ok(message && at !== undefined);
  return message.valueAt(at);
}

describe("RFC 8656: allocations", () => {
  test("RFC 8656 §6: no two allocations have the same relayed transport address", () => {
    const world = new Simulation({ ports: [50_000, 50_063] });
    const all = Array.from({ length: 64 }, () => formatAddress(world.client().allocate().relayedAddress));
    assert.equal(new Set(all).size, 64);
  });

  test("RFC 8656 §7.2: a success has the relayed address, its lifetime and the client's own address, signed", () => {
    const client = new Simulation().client({ address: "192.0.2.77:7777" });
    const { message } = client.tryAllocate();
    assert.ok(message?.messageIntegrity);
    assert.equal(relayedIn(message).length, 1);
    assert.equal(message.lifetime, 600);
    assert.deepEqual(message.xorMappedAddress, client.from.client);
    assert.equal(message.reservationToken, undefined);
  });

  test("RFC 8656 §7.2: without REQUESTED-ADDRESS-FAMILY the address is IPv4, with it the one that is asked for", () => {
    const world = new Simulation();
    assert.equal(world.client().allocate().relayedAddress.ip.family, 4);
    assert.equal(world.client().allocate({ family: 4 }).relayedAddress.ip.family, 4);
    assert.equal(world.client().allocate({ family: 6 }).relayedAddress.ip.family, 6);
  });

  test("RFC 8656 §7.2: an Allocate of another username is no retransmission, whatever its transaction id: 437", () => {
    const world = new Simulation();
    const transactionId = new Uint8Array(12).fill(9);
    const client = world.client();
    assert.equal(client.tryAllocate({}, { transactionId }).outcome, "ok");
    assert.equal(client.tryAllocate({}, { transactionId, username: world.username(99, "project_other") }).outcome, 437);
    assert.equal(client.tryAllocate({}, { transactionId }).outcome, "ok");
  });

  test("RFC 8656 §7.2: a token is good on any five-tuple, over any transport", () => {
    const world = new Simulation();
    const { message } = world.client().tryAllocate({ evenPort: { reserveNext: true } });
    const token = message?.reservationToken?.slice();
    assert.ok(token);
    const other = world.client({ transport: "tls", address: "203.0.113.200:5", server: "192.0.2.101:443" });
    assert.equal(other.allocate({ token }).relayedAddress.port % 2, 1);
  });

  test("RFC 8656 §7.2: ports are taken at random, from 1024 up", () => {
    const world = new Simulation();
    const ports = Array.from({ length: 20 }, () => world.client().allocate().relayedAddress.port);
    const steps = new Set(ports.slice(1).map((port, i) => port - (ports[i] ?? 0)));
    assert.ok(steps.size > 15, "the next port does not follow from the last");
    assert.ok(ports.every((port) => port >= 49_152));
  });
});

describe("RFC 8656: reserved octets", () => {
  test("RFC 8656 §18: what is reserved is ignored when it is received", () => {
    const client = new Simulation().client();
    const transport = (b: MessageBuilder) => addRaw(b, ATTRIBUTE.requestedTransport.type, 17, 1, 2, 3);
    const odd = (b: MessageBuilder) => [transport(b), addRaw(b, ATTRIBUTE.evenPort.type, 0x7f)];
    const { outcome, message } = client.ask(METHOD.allocate, odd);
    assert.equal(outcome, "ok");
    assert.equal(message?.reservationToken, undefined, "only the first bit asks for the next port");
    const family = (b: MessageBuilder) => addRaw(b, ATTRIBUTE.requestedAddressFamily.type, 1, 9, 9, 9);
    assert.equal(client.ask(METHOD.refresh, family).outcome, "ok");
    const bind = (b: MessageBuilder) =>
      addRaw(b, ATTRIBUTE.channelNumber.type, 0x40, 0, 0xff, 0xff).add(ATTRIBUTE.xorPeerAddress, parseAddress(A));
    assert.equal(client.ask(METHOD.channelBind, bind).outcome, "ok");
  });

  test("RFC 8656 §18: what is reserved is zero when it is sent", () => {
    const world = new Simulation({ relays: [relayAddress("203.0.113.7")] });
    const { message } = world.client().tryAllocate({ dual: true });
    const [family, reserved, third = 255] = octetsIn(message, ATTRIBUTE.addressErrorCode);
    assert.deepEqual([family, reserved, third >> 3], [2, 0, 0]);

    const client = world.client().allocate();
    assert.equal(client.createPermission(A), "ok");
    client.inbox.length = 0;
    world.unreachable(client.relayedAddress, A, { type: 3, code: 3, data: 0 });
    const told = Message.decode(client.inbox[0]?.bytes ?? new Uint8Array(0));
    assert.deepEqual([...octetsIn(told, ATTRIBUTE.icmp)], [0, 0, (3 << 9) >> 8, 3, 0, 0, 0, 0]);
  });
});

describe("RFC 8656: data", () => {
  test("RFC 8656 §12.6: ChannelData that is shorter than it claims is dropped, and padding is no data", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    assert.equal(client.channelBind(0x4000, A), "ok");
    client.transmit(Uint8Array.of(0x40, 0, 0, 5, 1, 2, 3, 4));
    client.transmit(Uint8Array.of(0x40, 0, 0));
    assert.deepEqual(world.peer(A).received(), []);
    client.transmit(Uint8Array.of(0x40, 0, 0, 1, 65, 0, 0, 0));
    assert.equal(world.peer(A).received()[0]?.text, "A");
  });

  test("RFC 8656 §12.6: ChannelData without data is a datagram without data", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    assert.equal(client.channelBind(0x4000, A), "ok");
    client.sendOver(0x4000, "");
    assert.deepEqual(
      world
        .peer(A)
        .received()
        .map(({ text }) => text),
      [""],
    );
    world.peer(A).send(client.relayedAddress, "");
    assert.deepEqual(client.received(), [{ channel: 0x4000, text: "" }]);
  });

  test("RFC 8656 §12.6: ChannelData on a channel that is not bound, or of no allocation, is dropped", () => {
    const world = new Simulation();
    const [client, stranger] = [world.client().allocate(), world.client()];
    assert.equal(client.channelBind(0x4000, A), "ok");
    client.sendOver(0x4001, "x");
    client.sendOver(0x8000, "x");
    stranger.sendOver(0x4000, "x");
    assert.deepEqual(world.peer(A).received(), []);
    assert.deepEqual([client.inbox.length, stranger.inbox.length], [0, 0]);
  });

  test("RFC 8656 §11.3: a Data indication has exactly the peer's address and its data", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    assert.equal(client.createPermission(A), "ok");
    client.inbox.length = 0;
    world.peer(A).send(client.relayedAddress, "five!");
    const message = Message.decode(client.inbox[0]?.bytes ?? new Uint8Array(0));
    assert.deepEqual([message?.method, message?.class], [METHOD.data, CLASS.indication]);
    assert.deepEqual(message?.xorPeerAddress, parseAddress(A));
    assert.equal(new TextDecoder().decode(message?.data), "five!");
    assert.equal(message?.offsets.length, 2);
  });

  test("RFC 8656 §11.2: of a Send indication, whatever is wrong with it, nothing comes back", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    const indication = () => new MessageBuilder(METHOD.send, CLASS.indication, world.random.bytes(12));
    const odd = [
      indication(),
      indication().add(ATTRIBUTE.data, Uint8Array.of(1)),
      addRaw(indication().add(ATTRIBUTE.data, Uint8Array.of(1)), ATTRIBUTE.xorPeerAddress.type, 0, 3, 0, 0),
      addRaw(indication().add(ATTRIBUTE.xorPeerAddress, parseAddress(A)).add(ATTRIBUTE.data, Uint8Array.of(1)), 0x7ffe, 1),
    ];
    for (const builder of odd) assert.deepEqual(client.exchange(builder.build()), []);
    assert.deepEqual(world.peer(A).received(), []);
  });

  test("RFC 8656 §21.4: Teredo addresses are 403, 6to4 addresses are judged as the IPv4 address inside", () => {
    const world = new Simulation({
      relays: [relayAddress("2a00::7")],
      policy: (relays) => new PeerRules({ allow: [], deny: [], only: [], minPort: 1, own: [parseIp("2a00::7")], relays }),
    });
    const client = world.client().allocate({ family: 6 });
    assert.equal(client.createPermission("[2001:0:808:404::1]:9"), 403);
    assert.equal(client.channelBind(0x4000, "[2001:0:808:404::1]:9"), 403);
    assert.equal(client.createPermission("[2002:a00:1::1]:9"), 403);
    assert.equal(client.createPermission("[2002:808:404::1]:9"), "ok");
  });
});
