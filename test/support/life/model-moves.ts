import { clientAt } from "./cast.ts";
import type { Model } from "./model.ts";
import type { ModelAllocation, ModelMove } from "./model-allocation.ts";
import type { Asker, ModelTicket } from "./model-values.ts";

const GRACE_SECONDS = 60; // how long an allocation waits for a client whose stream is gone

/** What a Refresh with a ticket comes to, and the ticket that its answer has. */
export interface Moved {
  readonly outcome: "ok" | number;
  readonly seconds: number;
  readonly ticket?: ModelTicket;
}

/** What a Refresh with a ticket says beside it. */
export interface Brought {
  readonly transaction: string;
  readonly lifetime: number | undefined;
  readonly family: 4 | 6 | undefined;
}

/**
 * A ticket is brought: its allocation may be used from here from now on, and is where it was until it is (RFC 8016 §3.2.2).
 * What is refused changes nothing.
 *
 * @param ticket `undefined` if nobody was ever given it
 */
export function bring(
  model: Model,
  asker: Asker,
  ticket: ModelTicket | undefined,
  { transaction, lifetime, family }: Brought,
): Moved {
  const refuse = (outcome: number): Moved => ({ outcome, seconds: 0 });
  const here = model.allocations.get(asker.tuple);
  if (here === undefined && !model.limits.mobility) return refuse(405);
  if (ticket === undefined) return refuse(400);
  const { allocation, generation } = ticket;
  if (here === undefined ? model.allocations.get(allocation.tuple) !== allocation : here !== allocation) return refuse(437);
  if (allocation.username !== asker.username) return refuse(441);
  if (here !== undefined) {
    if (allocation.movedBy !== transaction) return refuse(400);
    return withTicket(allocation, model.renew(allocation, lifetime, family), allocation.generation);
  }

  const isNext = allocation.move !== undefined && generation === allocation.generation + 1;
  if (!isNext && generation !== allocation.generation) return refuse(400);
  if (family !== undefined && !allocation.relays.has(family)) return refuse(443);
  if (!mayCountAt(model, allocation, asker)) return refuse(486);
  allocation.move = { tuple: asker.tuple, clientIp: asker.clientIp, transaction, isGone: false };
  if (isNext) allocation.generation++;
  const moved = withTicket(allocation, model.renew(allocation, lifetime, family), allocation.generation + 1);
  if (allocation.relays.size === 0) return moved;
  for (const other of model.allocations.values()) {
    if (other !== allocation && other.move?.tuple === asker.tuple) other.move = undefined;
  }
  if (allocation.abandoned) handOver(model, allocation, allocation.move);
  return moved;
}

/** Somebody says something from a five-tuple: what may move there does. */
export function speak(model: Model, tuple: number): void {
  for (const allocation of model.allocations.values()) {
    if (allocation.move?.tuple === tuple) return handOver(model, allocation, allocation.move);
  }
}

/** A stream closes: what its client has a ticket for goes where that was shown, or waits for it to be. */
export function disconnect(model: Model, tuple: number): void {
  for (const { move } of model.allocations.values()) if (move?.tuple === tuple) move.isGone = true;
  const allocation = model.allocations.get(tuple);
  if (allocation === undefined) return;
  if (!allocation.isMobile) model.end("client disconnected", (each) => each === allocation);
  else if (allocation.move !== undefined) handOver(model, allocation, allocation.move);
  else abandon(model, allocation);
}

function handOver(model: Model, allocation: ModelAllocation, move: ModelMove): void {
  const { shard } = clientAt(move.tuple);
  const isElsewhere = clientAt(allocation.tuple).shard !== shard;
  if (isElsewhere && model.allocationsOn(shard) >= model.limits.slots) {
    model.end("client disconnected", (each) => each === allocation);
    return;
  }
  model.allocations.delete(allocation.tuple);
  allocation.moveTo(move, model.now);
  model.allocations.set(allocation.tuple, allocation);
  if (move.isGone) abandon(model, allocation);
}

function abandon(model: Model, allocation: ModelAllocation): void {
  allocation.abandoned = true;
  for (const relay of allocation.relays.values()) relay.until = Math.min(relay.until, model.now + GRACE_SECONDS);
}

/** While it may move an allocation counts at both addresses; within one address nothing is counted twice. */
function mayCountAt(model: Model, allocation: ModelAllocation, { username, clientIp }: Asker): boolean {
  return allocation.countsAt(clientIp) || !model.isOverQuotaAt({ username, clientIp });
}

function withTicket(allocation: ModelAllocation, renewed: Omit<Moved, "ticket">, generation: number): Moved {
  return allocation.relays.size === 0 || renewed.outcome !== "ok" ? renewed : { ...renewed, ticket: { allocation, generation } };
}
