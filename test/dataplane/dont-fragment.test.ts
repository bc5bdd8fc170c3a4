import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../../src/dataplane/batch/arena.ts";
import { writeAddress } from "../../src/dataplane/batch/messages.ts";
import { BatchPlane } from "../../src/dataplane/batch/plane.ts";
import { AF_INET, openLibc, SOCK_NONBLOCK } from "../../src/dataplane/libc.ts";
import { PortablePlane } from "../../src/dataplane/portable/plane.ts";
import { close, openRelaySocket, socketName } from "../../src/dataplane/socket.ts";
import { parseAddress } from "../../src/net/address.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { payload, Recorder, socketAddress } from "../suites/dataplane.ts";
import { unless } from "../support/needs.ts";
import { hasIpv6, UdpPeer, until } from "../support/udp-peer.ts";

const SOCK_RAW = 3;
const IPPROTO_UDP = 17;
const DF = 0x40;

const libc = openLibc(await openRuntime());
/** An address that nobody else speaks to: whatever else is busy on loopback does not fill our buffer. */
const APART = "127.77.0.1";
/** Sees the IP headers of all UDP to that address; only the privileged may. */
const openRaw = (): number => {
  const raw = libc.socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_UDP);
  const { scratch } = libc;
  if (raw >= 0) libc.bind(raw, scratch.address, writeAddress(scratch.view, 0, parseAddress(`${APART}:0`)));
  return raw;
};
const privileged = openRaw();
if (privileged >= 0) close(libc, privileged);

const planes = {
  batch() {
    const plane = new BatchPlane(libc, { listeners: [] }, new Recorder());
    return { plane, step: (): void => void plane.turn(0) };
  },
  portable: () => ({ plane: new PortablePlane({ libc, listeners: [] }, new Recorder()), step: (): void => {} }),
};

for (const [name, open] of Object.entries(planes)) {
  // Sockets that node:dgram opened cannot be told.
  if (name === "portable" && !libc.adoptsDatagramSockets) continue;

  test(`only the datagrams that ask for DF have it, ${name} plane`, {
    skip: unless(privileged >= 0, "raw sockets take a privilege"),
  }, async () => {
    const raw = openRaw();
    const arena = new Arena(libc, 65_536);
    const { plane, step } = open();
    const socket = openRelaySocket(libc, parseAddress("127.0.0.1:0"));
    const address = socketName(libc, socket);
    const relay = plane.openRelay(socket, address);
    const peer = await UdpPeer.open(APART);
    const wanted = [false, true, true, false, true, false];
    // Growing ones, for equal ones would be seen as one.
    for (const [i, df] of wanted.entries()) {
      plane.sendToPeer(relay, socketAddress(peer.address), payload(100 + i, i), 0, 100 + i, df);
    }
    await until(() => peer.received.length === wanted.length, "all datagrams", step);

    const seen: boolean[] = [];
    for (let length = 0; length >= 0; length = libc.read(raw, arena.address, 65_536)) {
      const { bytes, view } = arena;
      const payloadAt = ((bytes[0] ?? 0) & 15) * 4 + 8;
      if (length === 0 || view.getUint16(payloadAt - 8) !== address.port) continue;
      seen[view.getUint32(payloadAt)] = ((bytes[6] ?? 0) & DF) !== 0;
    }
    assert.deepEqual(seen, wanted);
    plane.close();
    peer.close();
    close(libc, raw);
  });

  test(`IPv6 datagrams that ask for DF arrive like others, ${name} plane`, {
    skip: unless(hasIpv6, "this host has no IPv6"),
  }, async () => {
    const { plane, step } = open();
    const socket = openRelaySocket(libc, parseAddress("[::1]:0"));
    const relay = plane.openRelay(socket, socketName(libc, socket));
    const peer = await UdpPeer.open("::1");
    for (const df of [false, true, true]) plane.sendToPeer(relay, socketAddress(peer.address), payload(100), 0, 100, df);
    await until(() => peer.received.length === 3, "all datagrams", step);
    plane.close();
    peer.close();
  });
}
