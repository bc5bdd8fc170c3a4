import { copyOf } from "../lib/bytes.ts";
import type { FiveTuple } from "../net/address.ts";
import { ATTRIBUTE } from "../stun/attributes.ts";
import { METHOD } from "../stun/header.ts";
import type { Message } from "../stun/message.ts";
import type { Action } from "./action.ts";
import type { Brought } from "./shard-message.ts";
import { MAX_WAITING_MESSAGES } from "./settings.ts";
import { NOTHING } from "./silence.ts";
import type { TurnState } from "./state.ts";

/** A client of ours whose allocation another shard holds until the client speaks (RFC 8016 §3.2.2). */
export interface ExpectedMove {
  /** The shard that holds it, and what it is named by. */
  readonly shard: number;
  readonly id: string;
  /** Its stream has closed since. */
  isGone: boolean;
  /** What it has said, until the allocation is here; empty until it speaks. */
  readonly waiting: { readonly from: FiveTuple; readonly bytes: Uint8Array }[];
  /** Tickets that were brought to other shards while the allocation is on its way here. */
  readonly brought: Brought[];
}

/**
 * A client of ours may use an allocation of another shard's from now on. Only one is expected for a five-tuple, the one
 * that was shown last; the other's shard is told, or both would come here.
 */
export function expectMove(
  state: TurnState,
  tuple: string,
  offered: Pick<ExpectedMove, "shard" | "id">,
  actions: Action[],
): void {
  const before = state.expected.get(tuple);
  if (before?.id === offered.id) return;
  // What has been asked for is on its way.
  const isTaken = state.at(tuple) !== undefined || (before !== undefined && before.waiting.length > 0);
  const left = isTaken ? offered : before;
  if (left !== undefined) {
    const message = { kind: "declined", shard: state.dependencies.shard, tuple, id: left.id } as const;
    actions.push({ kind: "toShard", shard: left.shard, message });
  }
  if (!isTaken) state.expected.set(tuple, { ...offered, isGone: false, waiting: [], brought: [] });
}

/** Whether a message is one that uses the new address: neither a Binding nor the Refresh that brings the ticket again. */
export function usesNewAddress(message: Message): boolean {
  if (message.method === METHOD.binding) return false;
  return message.method !== METHOD.refresh || !message.has(ATTRIBUTE.mobilityTicket.type);
}

/** Keeps what a client has said until its allocation is here; for the first of it the allocation is asked for. */
export function keepWaiting(
  state: TurnState,
  expected: ExpectedMove,
  tuple: string,
  from: FiveTuple,
  bytes: Uint8Array,
): readonly Action[] {
  const { waiting, shard, id } = expected;
  if (waiting.length < MAX_WAITING_MESSAGES) waiting.push({ from, bytes: copyOf(bytes, 0) });
  if (waiting.length > 1) return NOTHING;
  return [{ kind: "toShard", shard, message: { kind: "claim", shard: state.dependencies.shard, tuple, id } }];
}
