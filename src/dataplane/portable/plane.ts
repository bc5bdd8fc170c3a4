import type { RemoteInfo } from "node:dgram";
import { setImmediate } from "node:timers";
import { assert } from "../../lib/assert.ts";
import type { RelayId } from "../../forward/route.ts";
import type { FiveTuple, TransportAddress } from "../../net/address.ts";
import type { SocketAddress } from "../../net/socket-address.ts";
import type { Libc } from "../libc.ts";
import { type ClientSide, Packet, type PeerSide, type PlaneCounters, type PlaneHandler } from "../plane.ts";
import { close, isWildcard, openUdpListener } from "../socket.ts";
import { AddressTexts } from "./address-text.ts";
import { AdoptedSockets } from "./adopted-sockets.ts";
import type { DatagramSockets, SocketNumber } from "./datagram-sockets.ts";
import { OwnSockets } from "./own-sockets.ts";
import { TurnMemory } from "./turn-memory.ts";
import { localAddresses } from "./wildcard.ts";

/** A UDP listener. */
export interface PortableListener {
  /** A bound socket, the plane's from now on; without one the plane opens it. */
  readonly descriptor?: number;
  readonly address: TransportAddress;
  /** Whether an IPv6 wildcard takes IPv4 too. */
  readonly dualStack?: boolean;
}

export interface PortablePlaneOptions {
  /** Without it the plane has neither DF nor batches. */
  readonly libc?: Libc;
  /** A wildcard becomes a socket for each local address of the host. */
  readonly listeners: readonly PortableListener[];
  /** Whether descriptors are adopted; as the runtime can, if not given. */
  readonly adopt?: boolean;
}

/** Octets free before each datagram: a ChannelData header goes there without a copy. */
const HEADROOM = 4;

/**
 * Sockets on the event loop, by `node:dgram`: where there is no better plane.
 *
 * It works by itself, in call-backs; a turn is what happens in one round of the loop. It does not report ICMP errors.
 */
export class PortablePlane implements ClientSide, PeerSide {
  readonly counters: PlaneCounters = { sendDrops: 0, truncated: 0 };
  readonly #handler: PlaneHandler;
  readonly #sockets: DatagramSockets;
  readonly #listeners = new Set<SocketNumber>();
  readonly #memory = new TurnMemory();
  readonly #texts = new AddressTexts();
  readonly #packet = new Packet();
  #turnIsOpen = false;
  #closed = false;

  /** @throws {SystemError} if a listener cannot be opened */
  constructor({ libc, listeners, adopt }: PortablePlaneOptions, handler: PlaneHandler) {
    this.#handler = handler;
    const onDatagram = (socket: SocketNumber, bytes: Uint8Array, from: RemoteInfo): void => this.#receive(socket, bytes, from);
    this.#sockets =
      libc !== undefined && (adopt ?? libc.adoptsDatagramSockets)
        ? new AdoptedSockets(libc, this.counters, onDatagram)
        : new OwnSockets(this.counters, onDatagram, (descriptor) => libc && close(libc, descriptor));
    const opens = this.#sockets instanceof AdoptedSockets ? libc : undefined;
    for (const listener of listeners) this.#listen(listener, libc, opens);
  }

  /** Whether every socket hears by now; until then what comes waits, or on some systems is lost. */
  get ready(): boolean {
    return this.#sockets.ready;
  }

  /** @param opens the library to open sockets with, where they are adopted */
  #listen({ descriptor, address, dualStack = false }: PortableListener, libc: Libc | undefined, opens: Libc | undefined): void {
    if (descriptor !== undefined && !isWildcard(address)) {
      this.#listeners.add(this.#sockets.open(descriptor, address));
      return;
    }
    for (const local of localAddresses(address, dualStack)) {
      this.#listeners.add(this.#sockets.open(opens === undefined ? -1 : openUdpListener(opens, local), local));
    }
    if (descriptor !== undefined && libc !== undefined) close(libc, descriptor);
  }

  #receive(socket: SocketNumber, bytes: Uint8Array, { address, port }: RemoteInfo): void {
    const packet = this.#packet;
    if (!this.#texts.read(address, port, packet.from)) return;
    this.#schedule();
    this.#memory.copy(bytes, HEADROOM);
    packet.bytes = this.#memory.bytes;
    packet.offset = this.#memory.offset;
    packet.length = bytes.length;
    packet.socket = socket;
    packet.local = 0;
    if (this.#listeners.has(socket)) this.#handler.fromClient(packet);
    else this.#handler.fromPeer(packet);
  }

  sendToClient(socket: number, _local: number, to: SocketAddress, bytes: Uint8Array, offset: number, length: number): void {
    this.#schedule();
    this.#sockets.send(socket, to, bytes, offset, length, false);
  }

  sendToPeer(relay: RelayId, to: SocketAddress, bytes: Uint8Array, offset: number, length: number, dontFragment: boolean): void {
    this.#schedule();
    this.#sockets.send(relay, to, bytes, offset, length, dontFragment);
  }

  fiveTuple(packet: Packet): FiveTuple {
    const server = this.#sockets.addressOf(packet.socket);
    assert(server !== undefined, "a packet from a client names a listener");
    return { transport: "udp", client: packet.from.toAddress(), server, socket: packet.socket, local: 0 };
  }

  openRelay(descriptor: number, address: TransportAddress): RelayId {
    return this.#sockets.open(descriptor, address);
  }

  closeRelay(relay: RelayId): void {
    this.#schedule();
    this.#sockets.close(relay);
  }

  /** Each datagram is copied here anyway. */
  readonly staging = undefined;

  get releasesRelays(): boolean {
    return this.#sockets.releases;
  }

  releaseRelay(relay: RelayId): number | undefined {
    this.#sockets.flush();
    return this.#sockets.release(relay);
  }

  /** Once in a round of the loop, when its datagrams have been handed over. */
  #schedule(): void {
    if (this.#turnIsOpen || this.#closed) return;
    this.#turnIsOpen = true;
    setImmediate(() => this.#endTurn());
  }

  #endTurn(): void {
    if (this.#closed) return;
    this.#handler.turnEnds();
    this.#turnIsOpen = false;
    this.#sockets.flush();
    this.#memory.clear();
  }

  /** Sends what waits and closes all sockets. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sockets.flush();
    this.#sockets.closeAll();
  }
}
