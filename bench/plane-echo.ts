import { Arena } from "../src/dataplane/batch/arena.ts";
import {
  HEADER_BYTES,
  IOVEC_BYTES,
  NAME_BYTES,
  writeAddress,
  writeHeader,
  writeIovec,
  writeLengths,
} from "../src/dataplane/batch/messages.ts";
import { BatchPlane } from "../src/dataplane/batch/plane.ts";
import { type Libc, MSG_DONTWAIT, openLibc } from "../src/dataplane/libc.ts";
import type { Packet, PlaneHandler } from "../src/dataplane/plane.ts";
import { openRelaySocket, openUdpListener, socketName } from "../src/dataplane/socket.ts";
import { parseAddress, type TransportAddress } from "../src/net/address.ts";
import { SocketAddress } from "../src/net/socket-address.ts";
import { openRuntime } from "../src/runtime/runtime.ts";

const HOPS = 400_000;
const LENGTH = 160;
const anywhere = parseAddress("127.0.0.1:0");
const silent: PlaneHandler = { fromClient() {}, fromPeer() {}, peerUnreachable() {}, turnEnds() {} };
const libc = openLibc(await openRuntime());

/**
 * What one datagram costs from plane to plane and back, both on this thread, a hop being one datagram sent and received;
 * beside it the bare system calls, 64 datagrams in each.
 */
const floor = bareHop(libc);
for (const flows of [1, 100]) {
  const { nanoseconds, octets } = await planeHop(flows);
  const line = [
    `plane-echo, ${flows} ${flows === 1 ? "flow" : "flows"} of ${LENGTH} octets:`,
    `${Math.round(nanoseconds)} ns of CPU a hop (${Math.round(1e6 / nanoseconds)},000 hops/s), bare system calls ${Math.round(floor)} ns,`,
    `${octets?.toFixed(2) ?? "?"} octets of heap a hop`,
  ];
  process.stdout.write(`${line.join(" ")}\n`);
}

/** Keeps a few datagrams of each flow on their way between two planes. */
async function planeHop(flows: number): Promise<{ nanoseconds: number; octets: number | undefined }> {
  const descriptor = openUdpListener(libc, anywhere, { receiveBufferBytes: 4_000_000 });
  const address = socketName(libc, descriptor);
  const to = new SocketAddress().assign(address);
  let hops = 0;
  const server: BatchPlane = new BatchPlane(
    libc,
    { listeners: [{ descriptor, address }] },
    {
      ...silent,
      fromClient({ socket, local, from, bytes, offset, length }: Packet): void {
        hops++;
        server.sendToClient(socket, local, from, bytes, offset, length);
      },
    },
  );
  const client: BatchPlane = new BatchPlane(
    libc,
    { listeners: [] },
    {
      ...silent,
      fromPeer({ socket, bytes, offset, length }: Packet): void {
        hops++;
        client.sendToPeer(socket, to, bytes, offset, length, false);
      },
    },
  );
  const relays = Array.from({ length: flows }, () => {
    const socket = openRelaySocket(libc, anywhere);
    return client.openRelay(socket, socketName(libc, socket));
  });
  const payload = new Uint8Array(LENGTH);
  const perFlow = Math.max(1, 64 / flows);
  for (const relay of relays) for (let i = 0; i < perFlow; i++) client.sendToPeer(relay, to, payload, 0, LENGTH, false);

  const run = (until: number): void => {
    while (hops < until) {
      client.turn(0);
      server.turn(0);
    }
  };
  run(HOPS / 4);
  const before = await heapOctets(true);
  const cpu = process.cpuUsage();
  const first = hops;
  run(hops + HOPS);
  const { user, system } = process.cpuUsage(cpu);
  const measured = hops - first;
  const after = await heapOctets(false);
  const octets = before === undefined || after === undefined ? undefined : (after - before) / measured;
  client.close();
  server.close();
  return { nanoseconds: ((user + system) * 1000) / measured, octets };
}

/** `sendmmsg` and `recvmmsg` of 64 datagrams laid out once. */
function bareHop(libc: Libc): number {
  const arena = new Arena(libc, 1 << 20);
  const [from, into] = [openRelaySocket(libc, anywhere), openRelaySocket(libc, anywhere)];
  const sent = layOut(arena, socketName(libc, into));
  const received = layOut(arena, anywhere);
  const call = (rounds: number): void => {
    for (let i = 0; i < rounds; i++) {
      libc.sendmmsg(from, arena.address + sent, 64, MSG_DONTWAIT);
      libc.recvmmsg(into, arena.address + received, 64, MSG_DONTWAIT, 0);
    }
  };
  call(500);
  const cpu = process.cpuUsage();
  call(HOPS / 64);
  const { user, system } = process.cpuUsage(cpu);
  return ((user + system) * 1000) / HOPS;
}

function layOut(arena: Arena, to: TransportAddress): number {
  const headers = arena.take(64 * HEADER_BYTES, 64);
  for (let i = 0; i < 64; i++) {
    const [name, iovec, data] = [arena.take(NAME_BYTES), arena.take(IOVEC_BYTES), arena.take(LENGTH)];
    writeIovec(arena, iovec, data, LENGTH);
    writeHeader(arena, headers + i * HEADER_BYTES, name, iovec, 1, 0);
    writeLengths(arena.view, headers + i * HEADER_BYTES, writeAddress(arena.view, name, to), 0);
  }
  return headers;
}

/**
 * How far the collector's heap reaches, swept before; `undefined` where the runtime does not say. It grows by blocks of
 * 16 KiB: over so many hops one small object in ten of them shows.
 */
async function heapOctets(sweep: boolean): Promise<number | undefined> {
  const { gcAndSweep, heapStats } = await import("bun:jsc").catch(() => ({ gcAndSweep: undefined, heapStats: undefined }));
  if (sweep) gcAndSweep?.();
  return heapStats?.().heapCapacity;
}
