import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BatchPlane, type BatchPlaneOptions } from "../../../src/dataplane/batch/plane.ts";
import { type Libc, openLibc, SystemError } from "../../../src/dataplane/libc.ts";
import { openRelaySocket, openUdpListener, socketName, wake } from "../../../src/dataplane/socket.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";
import { payload, Recorder, socketAddress } from "../../suites/dataplane.ts";
import { type Call, FailingLibc } from "../../support/failing-libc.ts";
import { UdpPeer, until } from "../../support/udp-peer.ts";

const real = openLibc(await openRuntime());
const anywhere = parseAddress("127.0.0.1:0");

/** A plane with one listener, one relay and one peer, over a C library that a test can break. */
async function open(libc: Libc = real, options: Partial<BatchPlaneOptions> = {}) {
  const recorder = new Recorder();
  const descriptor = openUdpListener(real, anywhere);
  const listener = socketName(real, descriptor);
  const plane = new BatchPlane(libc, { listeners: [{ descriptor, address: listener }], ...options }, recorder);
  const socket = openRelaySocket(real, anywhere);
  const relayed = socketName(real, socket);
  const relay = plane.openRelay(socket, relayed);
  const peer = await UdpPeer.open();
  return {
    plane,
    recorder,
    listener,
    relay,
    relayed,
    peer,
    send: (bytes: Uint8Array, dontFragment = false) =>
      plane.sendToPeer(relay, socketAddress(peer.address), bytes, 0, bytes.length, dontFragment),
    until: (condition: () => boolean, what: string) => until(condition, what, () => void plane.turn(0)),
    [Symbol.dispose]() {
      plane.close();
      peer.close();
    },
  };
}

describe("a batch plane when the system fails", () => {
  const failures: readonly [Call, errno: number, name: string][] = [
    ["recvmmsg", 4, "EINTR"],
    ["recvmmsg", 12, "ENOMEM"],
    ["recvmmsg", 111, "ECONNREFUSED"],
    ["sendto", 4, "EINTR"],
    ["sendto", 111, "ECONNREFUSED"],
    ["sendmmsg", 4, "EINTR"],
    ["sendmmsg", 1, "EPERM"],
    ["sendmmsg", 105, "ENOBUFS"],
    ["sendmmsg", 111, "ECONNREFUSED"],
    ["sendmmsg", 113, "EHOSTUNREACH"],
    ["epoll_wait", 4, "EINTR"],
    ["close", 4, "EINTR"],
    ["read", 4, "EINTR"],
  ];
  for (const [call, errno, name] of failures) {
    test(`${call} says ${name} once: nothing is lost`, async () => {
      const failing = new FailingLibc(real);
      using world = await open(failing.libc);
      const { recorder, plane, peer, relayed } = world;
      recorder.onPeer = ({ socket, from, bytes, offset, length }) => plane.sendToPeer(socket, from, bytes, offset, length, false);
      failing.fail(call, errno);
      if (call === "sendmmsg") failing.fail("sendto", errno); // which is tried before, for a datagram that is alone
      if (call === "read") wake(real, plane.wakeDescriptor);
      if (call === "close") plane.closeRelay(plane.openRelay(openRelaySocket(real, anywhere), anywhere));
      const sent = Array.from({ length: 40 }, (_, i) => payload(100, i));
      for (const [i, bytes] of sent.entries()) {
        peer.send(relayed, bytes);
        await world.until(() => peer.received.length === i + 1, `echo ${i}`);
      }
      assert.equal(failing.pending(call), 0);
      assert.deepEqual(peer.received, sent);
      assert.equal(plane.counters.sendDrops, 0);
    });
  }

  test("a full send buffer drops what does not fit, and counts it", async () => {
    const failing = new FailingLibc(real);
    using world = await open(failing.libc);
    failing.fail("sendmmsg", 11);
    for (let i = 0; i < 5; i++) world.send(payload(100, i));
    world.plane.turn(0);
    assert.equal(world.plane.counters.sendDrops, 5);
    world.send(payload(100, 6));
    await world.until(() => world.peer.received.length === 1, "the next");
    assert.deepEqual(world.peer.received, [payload(100, 6)]);
  });

  for (const [errno, name] of [
    [5, "EIO"],
    [22, "EINVAL"],
    [90, "EMSGSIZE"],
  ] as const) {
    test(`a device that cuts no datagrams (${name}) gets them one by one`, async () => {
      const failing = new FailingLibc(real);
      using world = await open(failing.libc);
      const sizes = [100, 100, 100, 60, 100, 100, 1200];
      const sent = sizes.map((size, i) => payload(size, i));
      failing.fail("sendmmsg", errno, 2);
      for (const bytes of sent) world.send(bytes);
      await world.until(() => world.peer.received.length === sent.length, "all");
      assert.deepEqual(world.peer.received, sent);
      assert.equal(world.plane.counters.sendDrops, 0);
    });
  }

  test("equal datagrams to one destination leave in one call, as one message", async () => {
    const failing = new FailingLibc(real);
    using world = await open(failing.libc);
    for (let i = 0; i < 100; i++) world.send(payload(160, i));
    await world.until(() => world.peer.received.length === 100, "all");
    assert.equal(failing.counts.get("sendmmsg"), 1);
    assert.deepEqual(world.peer.received[99], payload(160, 99));
  });

  test("a full queue is flushed early", async () => {
    using world = await open(real, { slots: 4 });
    const sent = Array.from({ length: 60 }, (_, i) => payload(500, i));
    for (const bytes of sent) world.send(bytes);
    await world.until(() => world.peer.received.length === 60, "all");
    assert.deepEqual(world.peer.received, sent);
  });

  // Deno's datagram sockets have no receive buffer for so much at once.
  test("full scratch memory is flushed early", { skip: !real.adoptsDatagramSockets }, async () => {
    using world = await open();
    const sent = Array.from({ length: 60 }, (_, i) => payload(9000, i));
    for (const bytes of sent) world.send(bytes);
    await world.until(() => world.peer.received.length === 60, "all");
    assert.deepEqual(world.peer.received, sent);
  });

  test("without DF being possible a datagram that wants it is dropped", async () => {
    const failing = new FailingLibc(real);
    using world = await open(failing.libc);
    failing.fail("setsockopt", 22);
    world.send(payload(100, 1));
    world.send(payload(100, 2), true);
    world.send(payload(100, 3));
    await world.until(() => world.peer.received.length === 2, "the others");
    assert.deepEqual(world.peer.received, [payload(100, 1), payload(100, 3)]);
    assert.equal(world.plane.counters.sendDrops, 1);
  });

  test("a relay that cannot be watched is refused, and its number free", async () => {
    const failing = new FailingLibc(real);
    using world = await open(failing.libc);
    const socket = openRelaySocket(real, anywhere);
    failing.fail("epoll_ctl", 28);
    assert.throws(() => world.plane.openRelay(socket, anywhere), { code: "ENOSPC" });
    world.plane.closeRelay(world.plane.openRelay(socket, anywhere));
  });

  for (const call of ["mapMemory", "epoll_create1", "eventfd", "epoll_ctl"] as const) {
    test(`no plane without ${call}`, async () => {
      const failing = new FailingLibc(real);
      failing.libc.scratch;
      failing.fail(call, 12);
      await assert.rejects(open(failing.libc), SystemError);
    });
  }

  test("a datagram longer than a slot is counted and dropped", async () => {
    using world = await open(real, { slotBytes: 2048 });
    for (const bytes of [payload(2048, 1), payload(2049, 2), payload(100, 3)]) world.peer.send(world.relayed, bytes);
    await world.until(() => world.recorder.fromPeers.length === 2, "the others");
    assert.deepEqual(
      world.recorder.fromPeers.map(({ bytes }) => bytes.length),
      [2048, 100],
    );
    assert.equal(world.plane.counters.truncated, 1);
  });

  test("a turn with fewer slots than datagrams loses none, and serves every socket", async () => {
    using world = await open(real, { slots: 4 });
    for (let i = 0; i < 30; i++) {
      world.peer.send(world.relayed, payload(10, i));
      world.peer.send(world.listener, payload(10, i));
    }
    await world.until(() => world.recorder.fromClients.length === 30, "the listener's");
    await world.until(() => world.recorder.fromPeers.length === 30, "the relay's");
    assert.deepEqual(world.recorder.fromPeers.at(-1)?.bytes, payload(10, 29));
  });

  test("a wake ends the wait, once", async () => {
    using world = await open();
    wake(real, world.plane.wakeDescriptor);
    assert.equal(world.plane.turn(10_000), true);
    assert.equal(world.plane.turn(0), false);
  });
});
