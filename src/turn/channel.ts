import { NO_DEADLINE, type Timed } from "../lib/deadlines.ts";
import type { RelayId } from "../forward/route.ts";
import type { Instant } from "../lib/time.ts";
import { ipKey, type TransportAddress } from "../net/address.ts";
import type { Action } from "./action.ts";
import type { Allocation } from "./allocation.ts";
import { CHANNEL_LIFETIME_MS, CHANNEL_REUSE_MS } from "./settings.ts";
import type { TurnState } from "./state.ts";

/** A number for a peer, both ways (RFC 8656 §12). */
export class Channel implements Timed {
  readonly kind = "channel";
  dueMs = NO_DEADLINE;
  readonly allocation: Allocation;
  readonly number: number;
  readonly peer: TransportAddress;
  /** The key of the peer's IP address: what a permission is found by. */
  readonly ipKey: string;
  readonly relay: RelayId;
  /** Where the peer's packets go and come from. */
  readonly wire: TransportAddress;
  /** false once it has expired: number and peer are then held back for a while, and carry nothing. */
  bound = false;

  constructor(allocation: Allocation, number: number, peer: TransportAddress, relay: RelayId, wire: TransportAddress) {
    this.allocation = allocation;
    this.number = number;
    this.peer = peer;
    this.ipKey = ipKey(peer.ip);
    this.relay = relay;
    this.wire = wire;
  }
}

/** Binds a channel to a peer that has just been permitted, for the first time or again: from now on it carries data both ways. */
export function bind(state: TurnState, channel: Channel, now: Instant, actions: Action[]): void {
  state.deadlines.set(channel, now.monotonicMs + CHANNEL_LIFETIME_MS);
  if (channel.bound) return;
  channel.bound = true;
  state.inside.add(state, channel, now);
  actions.push({ kind: "openRoute", route: channel.allocation.route(channel, true) });
}

/** What becomes of a channel whose time has come: unbound, and later free for another peer (RFC 8656 §12). */
export function expireChannel(state: TurnState, channel: Channel, dueMs: number, actions: Action[]): void {
  if (channel.bound) {
    unbind(state, channel, actions);
    state.deadlines.set(channel, dueMs + CHANNEL_REUSE_MS);
  } else {
    channel.allocation.removeChannel(channel);
  }
}

/** Removes a channel and its route, for its relayed address goes. */
export function removeChannel(state: TurnState, channel: Channel, actions: Action[]): void {
  if (channel.bound) unbind(state, channel, actions);
  state.deadlines.delete(channel);
  channel.allocation.removeChannel(channel);
}

function unbind(state: TurnState, channel: Channel, actions: Action[]): void {
  channel.bound = false;
  state.inside.delete(state, channel);
  actions.push({ kind: "closeRoute", route: channel.allocation.route(channel, false) });
}
