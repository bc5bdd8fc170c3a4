import { copyOf, octetKey } from "../lib/bytes.ts";
import type { Instant } from "../lib/time.ts";
import { fiveTupleKey } from "../net/address.ts";
import { Message } from "../stun/message.ts";
import type { Action } from "./action.ts";
import type { Allocation } from "./allocation.ts";
import { authenticate } from "./authenticate.ts";
import { type ExpectedMove, expectMove } from "./expected-move.ts";
import { handOver } from "./hand-over.ts";
import { cancelMove, reserveMove } from "./move.ts";
import { chosenBy, renew } from "./renew.ts";
import type { AuthenticatedRequest } from "./request.ts";
import { challenge, refuse, reject } from "./respond.ts";
import type { Brought, ShardMessage } from "./shard-message.ts";
import type { TurnState } from "./state.ts";
import { MAX_WAITING_MESSAGES } from "./settings.ts";
import { nextGeneration, type Ticket } from "./tickets.ts";

type Answered = Extract<ShardMessage, { readonly kind: "answer" }>;
type Declined = Extract<ShardMessage, { readonly kind: "declined" }>;
type Claimed = Extract<ShardMessage, { readonly kind: "claim" }>;

/** The ticket that an allocation's client is to have next; `undefined` where it did not ask for any. */
export function ticketOf(
  state: TurnState,
  allocation: Allocation,
  generation = allocation.mobility?.generation,
): Uint8Array | undefined {
  const { mobility, outlivesCredential } = allocation;
  if (mobility === undefined || generation === undefined) return undefined;
  const places = allocation.relayed.flatMap(({ relay }) => state.dependencies.relays.placeOf(relay.id) ?? []);
  return state.tickets.seal({ id: mobility.id, places, generation, outlivesCredential });
}

/**
 * A Refresh with a ticket, at the shard that got it: whoever owns the allocation shall answer.
 *
 * @see RFC 8016 §3.2.2
 */
export function bringTicket(
  state: TurnState,
  request: AuthenticatedRequest,
  sealed: Uint8Array,
  now: Instant,
): readonly Action[] {
  const ticket = state.tickets.open(sealed);
  const here = state.at(request.tuple);
  if (here !== undefined) {
    if (ticket === undefined || here.mobility?.id !== ticket.id) return reject(request, ticket === undefined ? 400 : 437);
    if (here.facts.username !== request.username) return reject(request, 441);
    // It has moved already: of what a ticket can be brought for from here, only a retransmission is left.
    return here.mobility.movedBy === octetKey(request.message.transactionId)
      ? renew(state, here, request, now, ticketOf(state, here))
      : reject(request, 400);
  }
  if (!state.settings.mobility) return reject(request, 405);
  if (ticket === undefined) return reject(request, 400);
  const [owner] = ownersOf(state, ticket);
  if (owner === undefined) return reject(request, 437);
  const { from, message } = request;
  const { shard } = state.dependencies;
  const brought: Brought = { kind: "ticketBrought", shard, from, bytes: copyOf(message.bytes, 0), asked: [] };
  return [{ kind: "toShard", shard: owner, message: brought }];
}

/** Another shard's client has shown a ticket: answers it by way of that shard. */
export function ticketBrought(state: TurnState, brought: Brought, now: Instant): readonly Action[] {
  const message = Message.decode(brought.bytes);
  const ticket = state.tickets.open(message?.mobilityTicket ?? new Uint8Array(0));
  if (message === undefined || ticket === undefined) return [];
  const { from, shard } = brought;
  // A connection's number is its thread's own.
  const bare = { message, from, tuple: `of ${shard}: ${fiveTupleKey(from)}` };
  const request = authenticate(state, bare, true, now);
  if ("code" in request) {
    const refusal = request.code === 400 ? refuse(bare, 400) : challenge(state, bare, request, now);
    return sentBy(shard, refusal);
  }
  const allocation = state.mobile.get(ticket.id);
  if (allocation !== undefined) return follow(state, allocation, ticket, request, brought, now);
  const owners = ownersOf(state, ticket);
  const asked = [...brought.asked, state.dependencies.shard];
  const next = owners.find((owner) => !asked.includes(owner));
  const comes = owners.includes(state.dependencies.shard) ? expectedBy(state, ticket) : undefined;
  // Unless it has been asked for, it may as well be with another still.
  if (comes !== undefined && (next === undefined || comes.waiting.length > 0) && comes.brought.length < MAX_WAITING_MESSAGES) {
    comes.brought.push({ ...brought, asked: [] });
    return [];
  }
  if (next === undefined) return sentBy(shard, reject(request, 437));
  return [{ kind: "toShard", shard: next, message: { ...brought, asked } }];
}

/** The owner's answer: sent on; and if the client may use the allocation now, it is expected to. */
export function ticketAnswered(state: TurnState, { to, bytes, expects }: Answered): readonly Action[] {
  const actions: Action[] = [{ kind: "send", to, bytes }];
  if (expects !== undefined) expectMove(state, fiveTupleKey(to), expects, actions);
  return actions;
}

/** A client has used its new address: its allocation goes there, if it is still so. */
export function claimed(state: TurnState, { shard, tuple, id }: Claimed, now: Instant): readonly Action[] {
  const allocation = state.mobile.get(id);
  const move = allocation?.mobility?.move;
  if (allocation === undefined || move === undefined || move.shard !== shard || move.tuple !== tuple) {
    return [{ kind: "toShard", shard, message: { kind: "gone", tuple, id } }];
  }
  const actions: Action[] = [];
  handOver(state, allocation, move, now, actions);
  return actions;
}

/** Its client will not come from there after all. */
export function declined(state: TurnState, { shard, tuple, id }: Declined): readonly Action[] {
  const allocation = state.mobile.get(id);
  const move = allocation?.mobility?.move;
  const actions: Action[] = [];
  if (allocation !== undefined && move?.shard === shard && move.tuple === tuple) cancelMove(state, allocation, actions);
  return actions;
}

function follow(
  state: TurnState,
  allocation: Allocation,
  ticket: Ticket,
  request: AuthenticatedRequest,
  { shard, from }: Brought,
  now: Instant,
): readonly Action[] {
  const { mobility } = allocation;
  if (mobility === undefined) return [];
  if (allocation.facts.username !== request.username) return sentBy(shard, reject(request, 441));
  if (!state.dependencies.relays.canSurrender) return sentBy(shard, reject(request, 405));
  // The ticket counts that the client used last, and the one it was given then; using that one ends the other.
  const isNew = mobility.move !== undefined && ticket.generation === nextGeneration(mobility.generation);
  if (!isNew && ticket.generation !== mobility.generation) return sentBy(shard, reject(request, 400));
  // What is refused moves nothing.
  if (chosenBy(request, allocation).length === 0) return sentBy(shard, reject(request, 443));

  const actions: Action[] = [];
  const tuple = fiveTupleKey(from);
  const transactionId = octetKey(request.message.transactionId);
  if (mobility.move?.shard === shard && mobility.move.tuple === tuple) {
    mobility.move = { ...mobility.move, transactionId };
  } else {
    const claim = { ...allocation.claim, client: from.client.ip };
    const reserved = reserveMove(state, allocation, { shard, from, tuple, claim, transactionId }, actions);
    if (reserved !== "reserved") return [...actions, ...sentBy(shard, reject(request, reserved === "quota" ? 486 : 508))];
  }
  if (isNew) mobility.generation = ticket.generation;
  const answers = renew(state, allocation, request, now, ticketOf(state, allocation, nextGeneration(mobility.generation)));
  const { move, id } = mobility;
  if (move === undefined) return [...actions, ...sentBy(shard, answers)]; // LIFETIME was 0
  actions.push(...sentBy(shard, answers, { shard: state.dependencies.shard, id }));
  // Nobody is left at the old address.
  if (allocation.abandoned) handOver(state, allocation, move, now, actions);
  return actions;
}

/** Answers to another shard's client leave by that shard. */
function sentBy(shard: number, actions: readonly Action[], expects?: { readonly shard: number; readonly id: string }): Action[] {
  return actions.map((action) => {
    if (action.kind !== "send") return action;
    const message: ShardMessage = { kind: "answer", to: action.to, bytes: action.bytes, ...(expects && { expects }) };
    return { kind: "toShard", shard, message };
  });
}

/** Where its allocation is expected, if it is on its way here. */
function expectedBy(state: TurnState, { id }: Ticket): ExpectedMove | undefined {
  for (const expected of state.expected.values()) if (expected.id === id) return expected;
  return undefined;
}

/** The shards that may have it: of a dual one, a port that was given back may be another allocation's since. */
function ownersOf(state: TurnState, { places }: Ticket): readonly number[] {
  return places.flatMap((place) => state.dependencies.relays.ownerOf(place) ?? []);
}
