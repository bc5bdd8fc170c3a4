import { SystemError } from "../dataplane/libc.ts";
import type { PeerSide } from "../dataplane/plane.ts";
import type { RelayId } from "../forward/route.ts";
import type { Random } from "../lib/random.ts";
import type { TransportAddress } from "../net/address.ts";
import type { PortTable, RelayAddress } from "../policy/ports.ts";
import type { NoRelay, OpenedRelay, Relay, RelayHandle, RelayPlace, RelayPorts, RelayRequest } from "../turn/relay-ports.ts";

const TOKEN_OCTETS = 8; // RFC 8656 §18.10
const ATTEMPTS = 32;

/** Opens and closes bound UDP sockets. */
export interface RelaySockets {
  /** A bound, non-blocking socket, for TCP a listening one; or that the port is taken by someone else; or that the system has no more sockets. */
  open(address: TransportAddress, tcp: boolean): number | "taken" | "exhausted";
  close(descriptor: number): void;
}

/** Where relayed ports for TCP are listened on (RFC 6062). */
export interface TcpPorts {
  /** Adopts a listening socket; its number is none of the plane's. */
  openRelay(descriptor: number, address: TransportAddress): RelayId;
  closeRelay(relay: RelayId): void;
}

/** Relayed ports of one shard, from the table that all shards share. */
export class SharedRelayPorts implements RelayPorts {
  readonly #table: PortTable;
  readonly #addresses: readonly RelayAddress[];
  readonly #sockets: RelaySockets;
  readonly #peers: PeerSide;
  readonly #random: Random;
  readonly #shard: number;
  readonly #tcp: TcpPorts | undefined;
  readonly #open = new Map<RelayId, RelayPlace & { readonly tcp: boolean }>();

  constructor(parts: {
    table: PortTable;
    addresses: readonly RelayAddress[];
    sockets: RelaySockets;
    peers: PeerSide;
    random: Random;
    /** Whose relays these are. */
    shard: number;
    tcp?: TcpPorts | undefined;
  }) {
    this.#table = parts.table;
    this.#addresses = parts.addresses;
    this.#sockets = parts.sockets;
    this.#peers = parts.peers;
    this.#random = parts.random;
    this.#shard = parts.shard;
    this.#tcp = parts.tcp;
  }

  open(request: RelayRequest, nowMs: number): OpenedRelay | NoRelay {
    const candidates = this.#table.addressesOf(request.family);
    if (candidates.length === 0) return "no address of this family";
    const tcp = request.tcp === true;
    if (tcp && this.#tcp === undefined) return "exhausted";
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const address = candidates[this.#random.below(candidates.length)] ?? 0;
      const port = this.#table.claim(address, { even: request.even, pair: request.reserveNext }, nowMs);
      if (port === undefined) continue;
      const opened = request.reserveNext ? this.#openPair(address, port, nowMs) : this.#openOne(address, port, nowMs, tcp);
      if (opened === "exhausted" || typeof opened === "object") return opened;
    }
    return "exhausted";
  }

  redeem(token: Uint8Array, nowMs: number): Relay | undefined {
    const reserved = this.#table.redeem(token, nowMs);
    const relay = reserved && this.#adopt(reserved.descriptor, reserved.address, reserved.port, nowMs);
    return relay === "exhausted" ? undefined : relay;
  }

  cancel(token: Uint8Array, nowMs: number): void {
    const reserved = this.#table.cancel(token);
    if (reserved === undefined) return;
    this.#sockets.close(reserved.descriptor);
    this.#table.release(reserved.address, reserved.port, nowMs);
  }

  wireOf(peer: TransportAddress): TransportAddress {
    return this.#table.toWire(peer);
  }

  isLive(address: TransportAddress): boolean {
    return this.#table.isLive(address);
  }

  /** What the client calls the sender of a datagram: the external address, where it is a live relay of ours. */
  shownOf(wire: TransportAddress): TransportAddress {
    return this.#table.toShown(wire);
  }

  /** Closes a relay and gives its port back. */
  close(relay: RelayId, nowMs: number): void {
    const { address, port, tcp } = this.#open.get(relay) ?? {};
    this.#open.delete(relay);
    if (tcp === true) this.#tcp?.closeRelay(relay);
    else this.#peers.closeRelay(relay);
    if (address !== undefined && port !== undefined) this.#table.release(address, port, nowMs);
  }

  get canSurrender(): boolean {
    return this.#peers.releasesRelays;
  }

  placeOf(relay: RelayId): RelayPlace | undefined {
    return this.#open.get(relay);
  }

  ownerOf({ address, port }: RelayPlace): number | undefined {
    return this.#table.ownerOf(address, port);
  }

  surrender(relay: RelayId, to: number): RelayHandle | undefined {
    const place = this.#open.get(relay);
    const descriptor = place && this.#peers.releaseRelay(relay);
    if (place === undefined || descriptor === undefined) return undefined;
    this.#open.delete(relay);
    this.#table.own(place.address, place.port, to);
    return { address: place.address, port: place.port, descriptor };
  }

  adopt({ descriptor, address, port }: RelayHandle, nowMs: number): Relay | undefined {
    const relay = this.#adopt(descriptor, address, port, nowMs);
    return relay === "exhausted" ? undefined : relay;
  }

  #openOne(address: number, port: number, nowMs: number, tcp: boolean): OpenedRelay | "exhausted" | "taken" {
    const descriptor = this.#socket(address, port, nowMs, tcp);
    return typeof descriptor === "number" ? this.#adopt(descriptor, address, port, nowMs, tcp) : descriptor;
  }

  #openPair(address: number, port: number, nowMs: number): OpenedRelay | "exhausted" | "taken" {
    const lower = this.#socket(address, port, nowMs);
    if (typeof lower !== "number") {
      this.#table.release(address, port + 1, nowMs);
      return lower;
    }
    const upper = this.#socket(address, port + 1, nowMs);
    const token = this.#random.bytes(TOKEN_OCTETS);
    if (typeof upper === "number" && this.#table.reserve(token, address, port + 1, upper, nowMs)) {
      const relay = this.#adopt(lower, address, port, nowMs);
      if (relay !== "exhausted") return { ...relay, reservation: token };
      this.cancel(token, nowMs);
      return relay;
    }
    this.#sockets.close(lower);
    this.#table.release(address, port, nowMs);
    if (typeof upper !== "number") return upper;
    this.#sockets.close(upper);
    this.#table.release(address, port + 1, nowMs);
    return "exhausted";
  }

  /** A bound socket for a claimed port; where there is none the claim is gone. */
  #socket(address: number, port: number, nowMs: number, tcp = false): number | "taken" | "exhausted" {
    const descriptor = this.#sockets.open({ ip: this.#address(address).local, port }, tcp);
    if (descriptor === "taken") this.#table.refuse(address, port, nowMs);
    if (descriptor === "exhausted") this.#table.release(address, port, nowMs);
    return descriptor;
  }

  /** Lets the plane watch a socket; where the system refuses even that, socket and port are given back. */
  #adopt(descriptor: number, address: number, port: number, nowMs: number, tcp = false): Relay | "exhausted" {
    const { local, shown } = this.#address(address);
    try {
      const relays = (tcp ? this.#tcp : undefined) ?? this.#peers;
      const id = relays.openRelay(descriptor, { ip: local, port });
      this.#open.set(id, { address, port, tcp });
      this.#table.own(address, port, this.#shard);
      return { id, address: { ip: shown, port } };
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#sockets.close(descriptor);
      this.#table.release(address, port, nowMs);
      return "exhausted";
    }
  }

  #address(index: number): RelayAddress {
    const address = this.#addresses[index];
    if (address === undefined) throw new RangeError(`There is no relay address ${index}`);
    return address;
  }
}
