import { NO_DEADLINE, type Timed } from "../lib/deadlines.ts";
import type { RelayId, Route, TrafficSlot } from "../forward/route.ts";
import type { TrafficTotals } from "../forward/traffic.ts";
import { Few } from "../lib/few.ts";
import { type FiveTuple, type TransportAddress, addressKey } from "../net/address.ts";
import type { IpAddress } from "../net/ip.ts";
import type { QuotaClaim } from "../policy/quota.ts";
import { Channel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import type { AllocationFacts } from "./event.ts";
import type { Relay } from "./relay-ports.ts";

/** One relayed transport address of an allocation; in a dual allocation each has its own time to expiry (RFC 8656 §8.1). */
export interface RelayedAddress extends Timed {
  readonly kind: "relayed address";
  readonly allocation: Allocation;
  readonly relay: Relay;
}

/** Leave for one IP address to be heard, whatever its port (RFC 8656 §9). */
export interface Permission extends Timed {
  readonly kind: "permission";
  readonly allocation: Allocation;
  readonly ip: IpAddress;
  readonly key: string;
}

/** A peer that data was sent to: where its packets go, and what policy said of it and when. */
export interface KnownPeer {
  wire: TransportAddress;
  allowed: boolean;
  judgedAtMs: number;
}

/** What a family of a dual allocation got instead of an address (RFC 8656 §7.2, ADDRESS-ERROR-CODE). */
export interface MissingFamily {
  readonly family: 4 | 6;
  readonly code: 440 | 508;
}

/** What lets an allocation follow its client (RFC 8016). */
export interface Mobility {
  /** What its tickets name it by. */
  readonly id: string;
  /** Tickets of this generation count; one more is what the client was given last, if it is on the move. */
  generation: number;
  /** Where the client has shown its ticket; it is spoken to at its old address until it uses the new one. */
  move: Move | undefined;
  /** The transaction of the last Refresh with a ticket before it came here: its retransmissions are answered. */
  readonly movedBy: string | undefined;
}

/** A new address that a client may use from now on. */
export interface Move {
  readonly shard: number;
  readonly from: FiveTuple;
  /** `from` as that shard's map key. */
  readonly tuple: string;
  readonly claim: QuotaClaim;
  /** Of the last Refresh that came from there. */
  readonly transactionId: string;
}

/** What an allocation is made of. */
export interface AllocationParts {
  readonly facts: AllocationFacts;
  readonly tuple: string;
  readonly claim: QuotaClaim;
  readonly traffic: TrafficSlot;
  readonly relays: readonly Relay[];
  readonly startedMs: number;
  readonly endsAtMs: number;
  readonly outlivesCredential: boolean;
  readonly transactionId: string;
  readonly reservation: Uint8Array | undefined;
  readonly missing: MissingFamily | undefined;
  /** What it has carried elsewhere. */
  readonly carried?: TrafficTotals | undefined;
  readonly mobility?: Mobility | undefined;
  /** A TCP allocation (RFC 6062). */
  readonly isTcp?: boolean;
}

const NO_TRAFFIC: TrafficTotals = { octetsToPeer: 0, octetsToClient: 0, packetsToPeer: 0, packetsToClient: 0, dropped: 0 };

/** An allocation (RFC 8656 §3.2): what a client has on this gateway, until it ends. */
export class Allocation {
  readonly facts: AllocationFacts;
  /** {@link FiveTuple} of the client as a map key. */
  readonly tuple: string;
  readonly claim: QuotaClaim;
  readonly traffic: TrafficSlot;
  readonly startedMs: number;
  /** When it ends whatever the client asks: its greatest age, or its credential's expiry if that cuts. Monotonic. */
  readonly endsAtMs: number;
  /** Whether it may be refreshed with an expired credential. */
  readonly outlivesCredential: boolean;
  /** Of the Allocate, as a map key: a retransmission gets the same answer. */
  readonly transactionId: string;
  readonly reservation: Uint8Array | undefined;
  readonly missing: MissingFamily | undefined;
  /** What it carried before it came to this shard, and over TCP connections that have ended; its slot counts the rest. */
  carried: TrafficTotals;
  readonly isTcp: boolean;
  /** Where its client asked for it: whatever it takes to follow it. */
  readonly mobility: Mobility | undefined;
  /** Its stream is gone, and the client may still come back with its ticket. */
  abandoned = false;
  /** The relayed addresses that are left: one, or one of each family. */
  readonly relayed: RelayedAddress[];
  /** By IP address key. */
  readonly permissions = new Few<string, Permission>();
  /** IP addresses permitted over its life, by key. */
  readonly peerIps = new Few<string, true>();
  /** Peers bound or sent to over its life, by address key. */
  readonly peers = new Few<string, KnownPeer>();
  #connections: Few<string, Connection> | undefined;
  readonly #byNumber = new Few<number, Channel>();
  readonly #byPeer = new Few<string, Channel>();

  constructor(parts: AllocationParts) {
    this.facts = parts.facts;
    this.tuple = parts.tuple;
    this.claim = parts.claim;
    this.traffic = parts.traffic;
    this.startedMs = parts.startedMs;
    this.endsAtMs = parts.endsAtMs;
    this.outlivesCredential = parts.outlivesCredential;
    this.transactionId = parts.transactionId;
    this.reservation = parts.reservation;
    this.missing = parts.missing;
    this.carried = parts.carried ?? NO_TRAFFIC;
    this.mobility = parts.mobility;
    this.isTcp = parts.isTcp ?? false;
    this.relayed = parts.relays.map((relay) => ({ kind: "relayed address", allocation: this, relay, dueMs: NO_DEADLINE }));
  }

  get client(): FiveTuple {
    return this.facts.client;
  }

  /** TCP connections to its peers, by the peer's address key: few allocations have any. */
  get connections(): Few<string, Connection> {
    this.#connections ??= new Few();
    return this.#connections;
  }

  /** The relay that speaks to peers of a family, if it has one. */
  relayTo(family: 4 | 6): RelayId | undefined {
    return this.relayedOf(family)?.relay.id;
  }

  /** The relayed address of a family, if it has one. */
  relayedOf(family: 4 | 6): RelayedAddress | undefined {
    for (const relayed of this.relayed) if (relayed.relay.address.ip.family === family) return relayed;
    return undefined;
  }

  /** Channels, those included whose number is only held back (RFC 8656 §12). */
  get channels(): Iterable<Channel> {
    return this.#byNumber.values();
  }

  get channelCount(): number {
    return this.#byNumber.size;
  }

  channelByNumber(number: number): Channel | undefined {
    return this.#byNumber.get(number);
  }

  /** @param key the peer's address key */
  channelByPeer(key: string): Channel | undefined {
    return this.#byPeer.get(key);
  }

  /** Makes a channel; neither its number nor its peer has one. */
  addChannel(number: number, peer: TransportAddress, relay: RelayId, wire: TransportAddress): Channel {
    const channel = new Channel(this, number, peer, relay, wire);
    this.#byNumber.set(number, channel);
    this.#byPeer.set(addressKey(peer), channel);
    return channel;
  }

  /** Frees a channel's number and peer for others. */
  removeChannel(channel: Channel): void {
    this.#byNumber.delete(channel.number);
    this.#byPeer.delete(addressKey(channel.peer));
  }

  /** What a forwarding table needs to know of a channel. */
  route(channel: Channel, toClient: boolean): Route {
    const { number, relay, peer, wire } = channel;
    return { client: this.client, channel: number, relay, peer, wire, traffic: this.traffic, toClient };
  }
}
