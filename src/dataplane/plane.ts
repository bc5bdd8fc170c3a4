import type { RelayId } from "../forward/route.ts";
import type { FiveTuple, TransportAddress } from "../net/address.ts";
import { SocketAddress } from "../net/socket-address.ts";

/** One datagram, as a cursor that a plane moves over its memory: nothing is made for a packet. */
export class Packet {
  /** The memory it lies in. From a peer: four octets before `offset` are free, a ChannelData header goes there without a copy. */
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  length = 0;
  /** From a client: the listener's number (a stream: the connection's). From a peer: the relay's id. */
  socket = 0;
  /** From a client: the plane's number for the local address it came to. Else 0. */
  local = 0;
  /** Who sent it; for streams unset. IPv4 on a dual-stack socket is IPv4. */
  readonly from = new SocketAddress();
}

/** The way to clients. */
export interface ClientSide {
  /**
   * Sends to the client of a listener (or connection), from the local address it spoke to. Never blocks; what does not
   * fit is dropped and counted. `bytes` may be a packet's memory, which stays as it is until the turn is flushed; any
   * other array is copied before this returns.
   */
  sendToClient(socket: number, local: number, to: SocketAddress, bytes: Uint8Array, offset: number, length: number): void;
  /** Who sent a packet and where to: made for the engine, never for ChannelData with a route. */
  fiveTuple(packet: Packet): FiveTuple;
}

/** The way to peers. */
export interface PeerSide {
  /** Sends from a relayed port. Never blocks; what does not fit is dropped and counted. */
  sendToPeer(relay: RelayId, to: SocketAddress, bytes: Uint8Array, offset: number, length: number, dontFragment: boolean): void;
  /** Adopts a bound socket (`dataplane/socket.ts` opens it) as a relayed port. */
  openRelay(descriptor: number, address: TransportAddress): RelayId;
  /** Closes it; data that waits in it is lost. */
  closeRelay(relay: RelayId): void;
  /** Whether relays can be given to another thread by {@link releaseRelay}. */
  readonly releasesRelays: boolean;
  /**
   * Forgets a relay and leaves its socket open, with the data that waits in it.
   *
   * @returns its descriptor, the caller's from now on; `undefined` if the system has none left for it: nothing is done then
   */
  releaseRelay(relay: RelayId): number | undefined;
}

/** A plane's memory for what came another way and has many datagrams in it: they leave from here without a copy of each. */
export interface Staging {
  /** All of the plane's memory. */
  readonly bytes: Uint8Array;
  /**
   * Copies octets into it, where they stay until the turn is flushed.
   *
   * @returns where they begin; -1 if there is no room left in this turn
   */
  put(octets: Uint8Array): number;
}

/** What a plane tells. */
export interface PlaneHandler {
  fromClient(packet: Packet): void;
  fromPeer(packet: Packet): void;
  /** An ICMP error about a datagram of ours. `peer` is a cursor: copy what is to stay. */
  peerUnreachable(relay: RelayId, peer: SocketAddress, type: number, code: number, data: number): void;
  /** Once after each turn, before it is flushed. */
  turnEnds(): void;
}

/** What a plane counts, in numbers that only ever grow. */
export interface PlaneCounters {
  /** Datagrams that the kernel would not take (full buffer, no route, too long). */
  sendDrops: number;
  /** Datagrams too long for a slot. */
  truncated: number;
}
