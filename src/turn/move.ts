import { ipKey } from "../net/address.ts";
import type { Action } from "./action.ts";
import type { Allocation, Move } from "./allocation.ts";
import type { TurnState } from "./state.ts";

/**
 * Notes where a client may speak from next, and counts its allocation there too: so neither address ever has more
 * than its share, however often clients say that they move. Where it cannot be counted, what was noted before stays.
 */
export function reserveMove(
  state: TurnState,
  { mobility, claim }: Allocation,
  move: Move,
  actions: Action[],
): "reserved" | "quota" | "full" {
  if (mobility === undefined) return "quota";
  const { quota } = state.dependencies;
  const before = mobility.move;
  // Within one address the same counters go on.
  const isCounted = before !== undefined && ipKey(before.claim.client) === ipKey(move.claim.client);
  const reserved = isCounted ? "reserved" : quota.reserveSecond(claim, move.claim);
  if (reserved !== "reserved") return reserved;
  if (before !== undefined && !isCounted) quota.releaseSecond(before.claim, claim);
  if (before !== undefined) forget(before, mobility.id, actions);
  mobility.move = move;
  return "reserved";
}

/** Forgets where an allocation may move to. */
export function cancelMove(state: TurnState, { mobility, claim }: Allocation, actions: Action[]): void {
  const move = mobility?.move;
  if (mobility === undefined || move === undefined) return;
  mobility.move = undefined;
  state.dependencies.quota.releaseSecond(move.claim, claim);
  forget(move, mobility.id, actions);
}

function forget({ shard, tuple }: Move, id: string, actions: Action[]): void {
  actions.push({ kind: "toShard", shard, message: { kind: "gone", tuple, id } });
}
