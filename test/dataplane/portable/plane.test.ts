import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { describe, test } from "node:test";
import { openLibc } from "../../../src/dataplane/libc.ts";
import { PortablePlane } from "../../../src/dataplane/portable/plane.ts";
import { close, openRelaySocket, openUdpListener, socketName } from "../../../src/dataplane/socket.ts";
import { formatAddress, parseAddress } from "../../../src/net/address.ts";
import { parseIp } from "../../../src/net/ip.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";
import { dataplaneSuite, payload, Recorder } from "../../suites/dataplane.ts";
import { FailingLibc } from "../../support/failing-libc.ts";
import { hasIpv6, UdpPeer, until } from "../../support/udp-peer.ts";
import { unless } from "../../support/needs.ts";

const libc = openLibc(await openRuntime());

for (const adopt of libc.adoptsDatagramSockets ? [true, false] : [false]) {
  dataplaneSuite(
    `portable (${adopt ? "adopted" : "own"} sockets)`,
    libc,
    (listeners, handler) => {
      const plane = new PortablePlane({ libc, listeners, adopt }, handler);
      return { plane, step: () => {}, ready: () => plane.ready, close: () => plane.close() };
    },
    { errors: false, localAddresses: false, releases: adopt },
  );
}

describe("portable plane", () => {
  const options = libc.adoptsDatagramSockets ? [{ libc }, {}] : [{}];
  for (const option of options) {
    test(`a wildcard answers from each address of the host, ${"libc" in option ? "with" : "without"} native code`, async () => {
      const probe = openUdpListener(libc, parseAddress(hasIpv6 ? "[::]:0" : "0.0.0.0:0"), { dualStack: true });
      const address = socketName(libc, probe);
      close(libc, probe);
      const recorder = new Recorder();
      const plane = new PortablePlane({ ...option, listeners: [{ address, dualStack: true }] }, recorder);
      const servers: string[] = [];
      recorder.onClient = (packet) => {
        servers.push(formatAddress(plane.fiveTuple(packet).server));
        plane.sendToClient(packet.socket, packet.local, packet.from, packet.bytes, packet.offset, packet.length);
      };
      await until(() => plane.ready, "sockets");
      for (const { address: ip } of Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])) {
        if (ip.startsWith("fe80")) continue;
        const client = await UdpPeer.open(ip);
        client.send({ ip: parseIp(ip), port: address.port }, payload(10));
        await until(() => client.received.length === 1, `the answer of ${ip}`);
        assert.deepEqual(client.from, [`${ip}:${address.port}`]);
        assert.equal(servers.pop(), formatAddress({ ip: parseIp(ip), port: address.port }));
        client.close();
      }
      plane.close();
    });
  }

  for (const [call, errno, name] of [
    ["sendmmsg", 4, "EINTR"],
    ["sendmmsg", 105, "ENOBUFS"],
    ["sendmmsg", 111, "ECONNREFUSED"],
    ["setsockopt", 22, "EINVAL"],
  ] as const) {
    test(`${call} says ${name} once: nothing is lost`, {
      skip: unless(libc.adoptsDatagramSockets, "this runtime does not adopt sockets", { required: false }),
    }, async () => {
      const failing = new FailingLibc(libc);
      const recorder = new Recorder();
      const plane = new PortablePlane({ libc: failing.libc, listeners: [] }, recorder);
      recorder.onPeer = ({ socket, from, bytes, offset, length }) => plane.sendToPeer(socket, from, bytes, offset, length, false);
      failing.fail(call, errno);
      if (call === "sendmmsg") failing.fail("sendto", errno); // which is tried before, for a datagram that is alone
      const socket = openRelaySocket(libc, parseAddress("127.0.0.1:0"));
      const address = socketName(libc, socket);
      plane.openRelay(socket, address);
      const peer = await UdpPeer.open();
      for (let i = 0; i < 20; i++) {
        peer.send(address, payload(100, i));
        await until(() => peer.received.length === i + 1, `echo ${i}`);
      }
      assert.equal(failing.pending(call), 0);
      plane.close();
      peer.close();
    });
  }

  test("a turn ends once for all datagrams of a round, before it is flushed", async () => {
    const descriptor = openUdpListener(libc, parseAddress("127.0.0.1:0"));
    const address = socketName(libc, descriptor);
    const recorder = new Recorder();
    const plane = new PortablePlane({ libc, listeners: [{ descriptor, address }] }, recorder);
    await until(() => plane.ready, "sockets");
    const client = await UdpPeer.open();
    for (let i = 0; i < 50; i++) client.send(address, payload(10, i));
    await until(() => recorder.fromClients.length === 50, "all datagrams");
    await until(() => recorder.turns > 0, "the end of a turn");
    assert.ok(recorder.turns < 25, `${recorder.turns} turns`);
    plane.close();
    client.close();
  });
});
