import type { Instant } from "../lib/time.ts";
import type { Action } from "./action.ts";
import type { Allocation, RelayedAddress } from "./allocation.ts";
import { removeChannel } from "./channel.ts";
import { endConnection } from "./connection.ts";
import type { EndReason } from "./event.ts";
import { cancelMove } from "./move.ts";
import type { TurnState } from "./state.ts";

/** Reasons of ours, after which a stream is closed too; after the others its client may allocate again. */
const OURS: ReadonlySet<EndReason> = new Set<EndReason>(["revoked", "project deleted", "shutdown"]);

/** Ends an allocation with all it has: permissions, channels, ports, quota and its place in the counters. */
export function endAllocation(
  state: TurnState,
  allocation: Allocation,
  reason: EndReason,
  now: Instant,
  actions: Action[],
): void {
  for (const relayed of [...allocation.relayed]) endRelayed(state, relayed, reason, now, actions);
}

/**
 * Ends one relayed address with the permissions and channels of its family, and the allocation with the last of them.
 *
 * @see RFC 8656 §8.1: the other family of a dual allocation notices nothing
 */
export function endRelayed(state: TurnState, relayed: RelayedAddress, reason: EndReason, now: Instant, actions: Action[]): void {
  const { allocation, relay } = relayed;
  const { family } = relay.address.ip;
  for (const permission of allocation.permissions.values()) {
    if (permission.ip.family !== family) continue;
    allocation.permissions.delete(permission.key);
    state.deadlines.delete(permission);
  }
  for (const channel of allocation.channels) {
    if (channel.relay === relay.id) removeChannel(state, channel, actions);
  }
  allocation.relayed.splice(allocation.relayed.indexOf(relayed), 1);
  state.removeRelayed(relayed);
  actions.push({ kind: "closeRelay", relay: relay.id });
  if (allocation.relayed.length === 0) bury(state, allocation, reason, now, actions);
}

/** Ends what has no relayed address left. */
export function bury(state: TurnState, allocation: Allocation, reason: EndReason, now: Instant, actions: Action[]): void {
  const { quota, traffic } = state.dependencies;
  cancelMove(state, allocation, actions);
  for (const connection of [...allocation.connections.values()]) endConnection(state, connection, actions);
  state.remove(allocation);
  quota.release(allocation.claim);
  const totals = state.carriedBy(allocation);
  traffic.close(allocation.traffic);
  const durationMs = now.monotonicMs - allocation.startedMs;
  actions.push({
    kind: "report",
    event: { type: "allocationEnded", allocation: allocation.facts, durationMs, traffic: totals, reason },
  });
  if (OURS.has(reason) && allocation.client.transport !== "udp") {
    actions.push({ kind: "closeClient", client: allocation.client });
  }
}
