import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import type { Libc } from "../../src/dataplane/libc.ts";
import type { ClientSide, Packet, PeerSide, PlaneCounters, PlaneHandler } from "../../src/dataplane/plane.ts";
import { openRelaySocket, openUdpListener, socketName } from "../../src/dataplane/socket.ts";
import type { RelayId } from "../../src/forward/route.ts";
import { formatAddress, parseAddress, type TransportAddress } from "../../src/net/address.ts";
import { parseIp } from "../../src/net/ip.ts";
import { SocketAddress } from "../../src/net/socket-address.ts";
import { hasIpv6, loopbacks, UdpPeer, until } from "../support/udp-peer.ts";

/** A plane, and what a test needs around it. */
export interface PlaneUnderTest {
  readonly plane: ClientSide & PeerSide & { readonly counters: PlaneCounters };
  /** Lets it work once, without waiting. */
  step(): void;
  /** Whether every socket hears; a plane that hears at once has no such thing. */
  ready?(): boolean;
  close(): void;
}

/** How a suite makes its plane: the descriptors are bound. */
export type OpenPlane = (
  listeners: readonly { descriptor: number; address: TransportAddress }[],
  handler: PlaneHandler,
) => PlaneUnderTest;

/** What a plane can that the other cannot. */
export interface Abilities {
  /** Reports ICMP errors. */
  readonly errors: boolean;
  /** Learns the local address on a wildcard listener. */
  readonly localAddresses: boolean;
  /** Gives relays away. */
  readonly releases: boolean;
}

/** Keeps what a plane hands over, and does more if a test says so. */
export class Recorder implements PlaneHandler {
  readonly fromClients: Buffer[] = [];
  readonly fromPeers: { relay: RelayId; bytes: Buffer }[] = [];
  readonly unreachable: string[] = [];
  turns = 0;
  onClient: (packet: Packet) => void = () => {};
  onPeer: (packet: Packet) => void = () => {};

  fromClient(packet: Packet): void {
    this.fromClients.push(copyOf(packet));
    this.onClient(packet);
  }

  fromPeer(packet: Packet): void {
    this.fromPeers.push({ relay: packet.socket, bytes: copyOf(packet) });
    this.onPeer(packet);
  }

  peerUnreachable(_relay: RelayId, peer: SocketAddress, type: number, code: number, data: number): void {
    this.unreachable.push(`${formatAddress(peer.toAddress())} ${type} ${code} ${data}`);
  }

  turnEnds(): void {
    this.turns++;
  }
}

export const copyOf = ({ bytes, offset, length }: Packet): Buffer => Buffer.from(bytes.subarray(offset, offset + length));
export const socketAddress = (address: TransportAddress): SocketAddress => new SocketAddress().assign(address);
const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** A payload that tells its length and its number. */
export function payload(length: number, number = 0): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + number) & 0xff;
  if (length >= 4) bytes.writeUInt32BE(number);
  return bytes;
}

/** What every data plane must do, run against one of them. */
export function dataplaneSuite(name: string, libc: Libc, openPlane: OpenPlane, abilities: Abilities): void {
  interface World extends Omit<PlaneUnderTest, "ready"> {
    ready(): Promise<void>;
    readonly recorder: Recorder;
    readonly listener: TransportAddress;
    relay(ip?: string): { id: RelayId; address: TransportAddress };
    peer(ip?: string): Promise<UdpPeer>;
    until(condition: () => boolean, what: string): Promise<void>;
  }

  async function inWorld(listen: string, dualStack: boolean, life: (world: World) => Promise<void>): Promise<void> {
    const recorder = new Recorder();
    const descriptor = openUdpListener(libc, parseAddress(listen), { dualStack, receiveBufferBytes: 4_000_000 });
    const listener = socketName(libc, descriptor);
    const under = openPlane([{ descriptor, address: listener }], recorder);
    const peers: UdpPeer[] = [];
    const world: World = {
      ...under,
      recorder,
      listener,
      relay(ip = "127.0.0.1") {
        const socket = openRelaySocket(libc, { ip: parseIp(ip), port: 0 });
        const address = socketName(libc, socket);
        return { id: under.plane.openRelay(socket, address), address };
      },
      async peer(ip) {
        const peer = await UdpPeer.open(ip);
        peers.push(peer);
        return peer;
      },
      until: (condition, what) => until(condition, what, () => under.step()),
      ready: () => until(() => under.ready?.() ?? true, "sockets that hear"),
    };
    try {
      await world.ready();
      await life(world);
    } finally {
      under.close();
      for (const peer of peers) peer.close();
    }
  }

  describe(`${name} plane`, () => {
    for (const ip of loopbacks) {
      const at = ip === "::1" ? "[::1]:0" : "127.0.0.1:0";
      for (const length of [0, 1, 1200, 1472, 9000, 60_000]) {
        test(`echoes ${length} octets to a client and to a peer, ${ip}`, () =>
          inWorld(at, false, async ({ plane, recorder, listener, ...world }) => {
            recorder.onClient = ({ socket, local, from, bytes, offset, length }) =>
              plane.sendToClient(socket, local, from, bytes, offset, length);
            recorder.onPeer = ({ socket, from, bytes, offset, length }) =>
              plane.sendToPeer(socket, from, bytes, offset, length, false);
            const [client, peer] = [await world.peer(ip), await world.peer(ip)];
            const relay = world.relay(ip);
            await world.ready();
            client.send(listener, payload(length, 1));
            peer.send(relay.address, payload(length, 2));
            await world.until(() => client.received.length + peer.received.length === 2, "two echoes");
            assert.deepEqual(client.received, [payload(length, 1)]);
            assert.deepEqual(peer.received, [payload(length, 2)]);
            assert.deepEqual(client.from, [`${ip}:${listener.port}`]);
            assert.deepEqual(peer.from, [`${ip}:${relay.address.port}`]);
            assert.equal(recorder.fromPeers[0]?.relay, relay.id);
          }));
      }
    }

    if (abilities.releases) {
      test("gives a relay away with what waits in it, and what was sent from it still leaves", () =>
        inWorld("127.0.0.1:0", false, async ({ plane, recorder, ...world }) => {
          const [peer, relay] = [await world.peer(), world.relay()];
          await world.ready();
          plane.sendToPeer(relay.id, socketAddress(peer.address), payload(50), 0, 50, false);
          const descriptor = plane.releaseRelay(relay.id);
          assert.ok(descriptor !== undefined);
          await world.until(() => peer.received.length === 1, "what was sent before");
          for (let i = 0; i < 20; i++) peer.send(relay.address, payload(60, i));
          await new Promise((resolve) => setTimeout(resolve, 20));
          assert.equal(recorder.fromPeers.length, 0, "nobody hears it here any more");
          const again = plane.openRelay(descriptor, relay.address);
          await world.until(() => recorder.fromPeers.length === 20, "all that waited");
          assert.deepEqual(new Set(recorder.fromPeers.map((packet) => packet.relay)), new Set([again]));
        }));
    }

    test("leaves four octets before each datagram from a peer, and sends from where it lies", () =>
      inWorld("127.0.0.1:0", false, async ({ plane, recorder, ...world }) => {
        recorder.onPeer = ({ socket, from, bytes, offset, length }) => {
          bytes.set([0x40, 0, 0, length], offset - 4);
          plane.sendToPeer(socket, from, bytes, offset - 4, length + 4, false);
        };
        const peer = await world.peer();
        const relay = world.relay();
        await world.ready();
        for (let i = 0; i < 20; i++) peer.send(relay.address, payload(10, i));
        await world.until(() => peer.received.length === 20, "twenty echoes");
        const expected = Array.from({ length: 20 }, (_, i) => Buffer.concat([Buffer.of(0x40, 0, 0, 10), payload(10, i)]));
        assert.deepEqual(peer.received, expected);
      }));

    test("keeps the order of a socket, whatever the sizes", () =>
      inWorld("127.0.0.1:0", false, async ({ plane, recorder, ...world }) => {
        const [here, there] = [await world.peer(), await world.peer()];
        const relay = world.relay();
        await world.ready();
        recorder.onPeer = ({ bytes, offset, length }) => {
          for (const { address } of [here, there]) {
            plane.sendToPeer(relay.id, socketAddress(address), bytes, offset, length, false);
          }
        };
        const sizes = [100, 100, 100, 50, 100, 0, 1500, 1500, 7, 7, 8, 100];
        const sent = Array.from({ length: 240 }, (_, i) => payload(sizes[i % sizes.length] ?? 0, i));
        for (const [i, bytes] of sent.entries()) {
          here.send(relay.address, bytes);
          const echoed = (): boolean => here.received.length === i + 1 && there.received.length === i + 1;
          if (i % 20 === 19) await world.until(echoed, `echoes of ${i}`);
        }
        assert.deepEqual(here.received, sent);
        assert.deepEqual(there.received, sent);
        assert.equal(plane.counters.sendDrops, 0);
      }));

    for (const ip of loopbacks) {
      for (const perStep of [1, 50]) {
        test(`a dead peer beside a live one loses nothing, ${perStep} a turn, ${ip}`, () =>
          inWorld("127.0.0.1:0", false, async ({ plane, ...world }) => {
            const [live, dead] = [await world.peer(ip), await UdpPeer.dead(ip)];
            const relay = world.relay(ip);
            const [toLive, toDead] = [socketAddress(live.address), socketAddress(dead)];
            for (let i = 0; i < 500; i++) {
              plane.sendToPeer(relay.id, toDead, payload(100, i), 0, 100, false);
              plane.sendToPeer(relay.id, toLive, payload(100, i), 0, 100, false);
              if ((i + 1) % perStep === 0) await world.until(() => live.received.length === i + 1, `datagram ${i}`);
            }
            assert.equal(live.received.length, 500);
          }));
      }
    }

    test("a peer that died does not hide what a live one sends", () =>
      inWorld("127.0.0.1:0", false, async ({ plane, recorder, ...world }) => {
        const [live, dead] = [await world.peer(), await UdpPeer.dead()];
        const relay = world.relay();
        await world.ready();
        for (let i = 0; i < 50; i++) {
          plane.sendToPeer(relay.id, socketAddress(dead), payload(10), 0, 10, false);
          live.send(relay.address, payload(100, i));
          await world.until(() => recorder.fromPeers.length === i + 1, `datagram ${i}`);
        }
      }));

    // What a plane cannot do by its nature is no test of it.
    const wildcards = abilities.localAddresses ? ["0.0.0.0:0", "[::]:0"] : [];
    for (const listen of hasIpv6 ? wildcards : wildcards.slice(0, 1)) {
      test(`${listen} answers IPv4 from the address that was asked`, () =>
        inWorld(listen, true, async ({ plane, recorder, listener, ...world }) => {
          const servers: string[] = [];
          const clients: string[] = [];
          recorder.onClient = (packet) => {
            const tuple = plane.fiveTuple(packet);
            servers.push(formatAddress(tuple.server));
            clients.push(formatAddress(tuple.client));
            plane.sendToClient(packet.socket, packet.local, packet.from, packet.bytes, packet.offset, packet.length);
          };
          const client = await world.peer();
          const asked = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.2"];
          for (const [i, ip] of asked.entries()) {
            client.send({ ip: parseIp(ip), port: listener.port }, payload(10));
            await world.until(() => client.received.length === i + 1, `the answer of ${ip}`);
          }
          const expected = asked.map((ip) => `${ip}:${listener.port}`);
          assert.deepEqual(client.from, expected);
          assert.deepEqual(servers, expected);
          assert.deepEqual(new Set(clients), new Set([formatAddress(client.address)]));
          for (let i = 0; i < 20; i++) client.send({ ip: parseIp("127.0.0.4"), port: listener.port }, payload(10, i));
          await world.until(() => client.received.length === 24, "twenty more");
          assert.deepEqual(new Set(client.from.slice(4)), new Set([`127.0.0.4:${listener.port}`]));
          assert.deepEqual(client.received.at(-1), payload(10, 19));
        }));
    }

    if (abilities.localAddresses && hasIpv6) {
      test("[::]:0 answers IPv6 from the address that was asked", () =>
        inWorld("[::]:0", true, async ({ plane, recorder, listener, ...world }) => {
          recorder.onClient = (packet) => {
            assert.equal(formatAddress(plane.fiveTuple(packet).server), `[::1]:${listener.port}`);
            plane.sendToClient(packet.socket, packet.local, packet.from, packet.bytes, packet.offset, packet.length);
          };
          const client = await world.peer("::1");
          client.send({ ip: parseIp("::1"), port: listener.port }, payload(10));
          await world.until(() => client.received.length === 1, "the answer");
          assert.deepEqual(client.from, [`::1:${listener.port}`]);
        }));
    }

    if (abilities.errors) {
      test("reports who is unreachable", () =>
        inWorld("127.0.0.1:0", false, async ({ plane, recorder, ...world }) => {
          for (const ip of loopbacks) {
            const icmp = ip === "::1" ? "1 4 0" : "3 3 0";
            const dead = await UdpPeer.dead(ip);
            const relay = world.relay(ip);
            plane.sendToPeer(relay.id, socketAddress(dead), payload(10), 0, 10, false);
            await world.until(() => recorder.unreachable.length === 1, "an ICMP error");
            assert.deepEqual(recorder.unreachable.splice(0), [`${formatAddress(dead)} ${icmp}`]);
          }
        }));
    }

    test("what cannot be sent is counted, and nothing else is lost", () =>
      inWorld("127.0.0.1:0", false, async ({ plane, ...world }) => {
        const peer = await world.peer();
        const relay = world.relay();
        const impossible = ["127.0.0.1:0", "255.255.255.255:9", "[::1]:9"];
        for (const address of impossible) {
          plane.sendToPeer(relay.id, socketAddress(parseAddress(address)), payload(10), 0, 10, false);
          plane.sendToPeer(relay.id, socketAddress(peer.address), payload(10), 0, 10, false);
        }
        plane.sendToPeer(relay.id, socketAddress(peer.address), payload(65_530), 0, 65_530, false);
        plane.sendToPeer(relay.id, socketAddress(peer.address), payload(10), 0, 10, false);
        await world.until(() => peer.received.length === 4, "the possible ones");
        assert.equal(plane.counters.sendDrops, 4);
      }));

    test("a closed relay is silent, and its port free", () =>
      inWorld("127.0.0.1:0", false, async ({ plane, recorder, listener, ...world }) => {
        const peer = await world.peer();
        const [closed, open] = [world.relay(), world.relay()];
        await world.ready();
        for (let i = 0; i < 10; i++) peer.send(closed.address, payload(10, i));
        plane.sendToPeer(closed.id, socketAddress(peer.address), payload(10), 0, 10, false);
        plane.closeRelay(closed.id);
        plane.closeRelay(closed.id);
        (await world.peer()).send(open.address, payload(10));
        await world.until(() => recorder.fromPeers.some(({ relay }) => relay === open.id), "the open relay");
        assert.ok(recorder.fromPeers.every(({ relay }) => relay === open.id));
        await world.until(() => peer.received.length === 1, "what was asked for before the close");
        const again = openRelaySocket(libc, closed.address);
        assert.notEqual(plane.openRelay(again, closed.address), closed.id);
      }));

    test("a relay may be closed by the datagram it received", () =>
      inWorld("127.0.0.1:0", false, async ({ plane, recorder, ...world }) => {
        const peer = await world.peer();
        const relay = world.relay();
        await world.ready();
        recorder.onPeer = () => plane.closeRelay(relay.id);
        for (let i = 0; i < 10; i++) peer.send(relay.address, payload(10, i));
        await world.until(() => recorder.fromPeers.length > 0, "the first");
        await world.until(() => recorder.turns > 0, "the end of the turn");
        assert.equal(recorder.fromPeers.length, 1);
      }));

    test("two thousand relays at once, and no descriptor stays", async () => {
      const before = descriptors();
      await inWorld("127.0.0.1:0", false, async ({ plane, recorder, ...world }) => {
        const peer = await world.peer();
        for (let round = 0; round < 2; round++) {
          const inside = descriptors();
          const sockets = Array.from({ length: 2000 }, () => openRelaySocket(libc, parseAddress("127.0.0.1:0")));
          const addresses = sockets.map((socket) => socketName(libc, socket));
          const relays = addresses.map((address, i) => ({ id: plane.openRelay(sockets[i] ?? -1, address), address }));
          assert.equal(new Set(relays.map(({ id }) => id)).size, 2000);
          await world.ready();
          for (const [i, { address }] of relays.entries()) {
            if (i % 100 !== 0) continue;
            recorder.fromPeers.length = 0;
            peer.send(address, payload(10, i));
            await world.until(() => recorder.fromPeers.length === 1, `relay ${i}`);
            assert.equal(recorder.fromPeers[0]?.relay, relays[i]?.id);
          }
          for (const { id } of relays) plane.closeRelay(id);
          await world.until(() => descriptors() <= inside, "descriptors to be closed");
        }
      });
      await until(() => descriptors() <= before, "all descriptors to be closed");
    });
  });
}
