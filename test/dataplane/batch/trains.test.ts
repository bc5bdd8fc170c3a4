import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BatchPlane } from "../../../src/dataplane/batch/plane.ts";
import { type Libc, openLibc } from "../../../src/dataplane/libc.ts";
import { openRelaySocket, openUdpListener, segmentsDatagrams, socketName } from "../../../src/dataplane/socket.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";
import { payload, Recorder, socketAddress } from "../../suites/dataplane.ts";
import { FailingLibc } from "../../support/failing-libc.ts";
import { unless } from "../../support/needs.ts";

const real = openLibc(await openRuntime());
const skip = unless(segmentsDatagrams(real), "this kernel cuts no datagrams", { required: false });

/**
 * Goal: what the kernel joined into one message comes out as the datagrams that were sent. Method: one plane sends many
 * equal datagrams at once, another receives them; a turn takes 64 messages of a socket, so more than that in a single
 * turn is a train.
 */
describe("trains of datagrams", { skip }, () => {
  for (const [ip, listen] of [
    ["127.0.0.1", "127.0.0.1:0"],
    ["127.0.0.1", "0.0.0.0:0"],
    ["::1", "[::1]:0"],
  ] as const) {
    for (const to of ["listener", "relay"] as const) {
      test(`come out one by one at a ${to}, ${listen}`, () => {
        using world = open(real, ip, listen);
        const sent = [...Array.from({ length: 99 }, (_, i) => payload(160, i)), payload(77, 99)];
        world.send(to, sent);
        world.receiver.turn(1000);
        const got = to === "listener" ? world.recorder.fromClients : world.recorder.fromPeers.map(({ bytes }) => bytes);
        assert.deepEqual(got, sent);
      });
    }
  }

  test("each datagram from a peer has four octets free before it, which its neighbour does not miss", () => {
    using world = open(real, "127.0.0.1", "127.0.0.1:0");
    const { recorder, receiver } = world;
    const echoed = new Recorder();
    const descriptor = openUdpListener(real, parseAddress("127.0.0.1:0"));
    const there = socketName(real, descriptor);
    using client = disposable(new BatchPlane(real, { listeners: [{ descriptor, address: there }] }, echoed));
    recorder.onPeer = ({ bytes, offset, length }) => {
      bytes.set([0x40, 0, 0, length], offset - 4);
      receiver.sendToClient(0, 0, socketAddress(there), bytes, offset - 4, length + 4);
    };
    const sent = [...Array.from({ length: 40 }, (_, i) => payload(120, i)), payload(11, 40)];
    world.send("relay", sent);
    receiver.turn(1000);
    client.turn(1000);
    const expected = sent.map((bytes) => Buffer.concat([Buffer.of(0x40, 0, 0, bytes.length), bytes]));
    assert.deepEqual(echoed.fromClients, expected);
  });

  test("many large messages in a turn arrive whole, and the memory they took is given back", () => {
    const failing = new FailingLibc(real);
    using world = open(failing.libc, "127.0.0.1", "127.0.0.1:0");
    const before = failing.counts.get("madvise") ?? 0;
    failing.fail("madvise", 22);
    const sent = Array.from({ length: 40 }, (_, i) => payload(60_000, i));
    world.send("listener", sent);
    world.receiver.turn(1000);
    assert.deepEqual(world.recorder.fromClients, sent);
    assert.equal(failing.counts.get("madvise"), before + 1);
    assert.equal(failing.pending("madvise"), 0);
  });
});

/** A plane that sends, and one with a listener and a relay that receives, over a C library of its own. */
function open(libc: Libc, ip: string, listen: string) {
  const bracketed = ip.includes(":") ? `[${ip}]:0` : `${ip}:0`;
  const recorder = new Recorder();
  const descriptor = openUdpListener(real, parseAddress(listen), { receiveBufferBytes: 8_000_000 });
  const listener = { descriptor, address: socketName(real, descriptor) };
  const receiver = new BatchPlane(libc, { listeners: [listener] }, recorder);
  const relay = openRelaySocket(real, parseAddress(bracketed));
  const relayed = socketName(real, relay);
  receiver.openRelay(relay, relayed);
  const sender = new BatchPlane(real, { listeners: [] }, new Recorder());
  const from = openRelaySocket(real, parseAddress(bracketed));
  const source = sender.openRelay(from, socketName(real, from));
  const addresses = { listener: parseAddress(bracketed.replace(/0$/, `${listener.address.port}`)), relay: relayed };
  return {
    recorder,
    receiver,
    send(to: "listener" | "relay", datagrams: readonly Uint8Array[]) {
      for (const bytes of datagrams) sender.sendToPeer(source, socketAddress(addresses[to]), bytes, 0, bytes.length, false);
      sender.turn(0);
      assert.equal(sender.counters.sendDrops, 0);
    },
    [Symbol.dispose]() {
      receiver.close();
      sender.close();
    },
  };
}

function disposable(plane: BatchPlane): BatchPlane & Disposable {
  return Object.assign(plane, { [Symbol.dispose]: () => plane.close() });
}
