import type { FiveTuple, TransportAddress } from "../net/address.ts";

/** A relayed port, as the plane of its thread numbers it. Never used again while anything may still name it. */
export type RelayId = number;

/** An allocation's place in the counters: see `Traffic`. */
export type TrafficSlot = number;

/** One channel of one allocation: what moves without thought between a client and a peer (RFC 8656 §12). */
export interface Route {
  readonly client: FiveTuple;
  readonly channel: number;
  readonly relay: RelayId;
  /** The peer as the client names it. */
  readonly peer: TransportAddress;
  /** Where the peer's packets go and come from: differs from `peer` where that is a relayed address of ours behind a 1:1 NAT. */
  readonly wire: TransportAddress;
  readonly traffic: TrafficSlot;
  /** Whether the peer is permitted: a channel outlives its permission, and then carries data to the peer only. */
  readonly toClient: boolean;
}

/** Whoever keeps routes: the forwarding table, and a mirror of it in the kernel if there is one. */
export interface RouteSink {
  /** Adds a route, or replaces the one of the same client and channel. */
  openRoute(route: Route): void;
  /** Removes a route; an unknown one is no mistake. */
  closeRoute(route: Route): void;
}
