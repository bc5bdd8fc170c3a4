import type { Instant } from "../lib/time.ts";
import type { Action } from "./action.ts";
import { endAllocation } from "./end.ts";
import { handOver } from "./hand-over.ts";
import { MOBILITY_GRACE_MS } from "./settings.ts";
import { NOTHING } from "./silence.ts";
import type { TurnState } from "./state.ts";

/**
 * A stream is gone: its allocation ends (RFC 8656 §5), unless its client may come back with a ticket.
 *
 * If it has shown the ticket elsewhere already, the allocation goes there (RFC 8016 §3.2.2).
 */
export function clientClosed(state: TurnState, tuple: string, now: Instant): readonly Action[] {
  const expected = state.expected.get(tuple);
  if (expected !== undefined) expected.isGone = true;
  const allocation = state.at(tuple);
  if (allocation === undefined) return NOTHING;

  const actions: Action[] = [];
  const { mobility } = allocation;
  if (mobility === undefined) {
    endAllocation(state, allocation, "client disconnected", now, actions);
  } else if (mobility.move !== undefined) {
    handOver(state, allocation, mobility.move, now, actions);
  } else {
    allocation.abandoned = true;
    const untilMs = now.monotonicMs + MOBILITY_GRACE_MS;
    for (const relayed of allocation.relayed) {
      state.deadlines.set(relayed, Math.min(untilMs, state.deadlines.of(relayed) ?? untilMs));
    }
  }
  return actions;
}
