import type { Instant } from "../../lib/time.ts";
import { ATTRIBUTE } from "../../stun/attributes.ts";
import type { Action } from "../action.ts";
import type { Allocation, RelayedAddress } from "../allocation.ts";
import { endRelayed } from "../end.ts";
import { grant } from "../lifetime.ts";
import type { AuthenticatedRequest } from "../request.ts";
import { answer, reject, success } from "../respond.ts";
import type { TurnState } from "../state.ts";

/**
 * Refresh: a new time to expiry, or with LIFETIME 0 the end; of one family of a dual allocation, or of all there is.
 *
 * A retransmitted Refresh of 0 finds no allocation and is 437, which its client takes for success (RFC 8656 §8.3).
 *
 * @see RFC 8656 §8.2
 */
export function refresh(state: TurnState, request: AuthenticatedRequest, now: Instant): readonly Action[] {
  const allocation = state.allocationOf(request);
  if (typeof allocation === "number") return reject(request, allocation);
  const chosen = chosenBy(request, allocation);
  if (chosen.length === 0) return reject(request, 443);

  const { lifetime } = request.message;
  const actions: Action[] = [];
  const { seconds, untilMs } = lifetime === 0 ? { seconds: 0, untilMs: 0 } : grant(lifetime, allocation.endsAtMs, now);
  for (const relayed of chosen) {
    if (lifetime === 0) endRelayed(state, relayed, "closed by client", now, actions);
    else state.deadlines.set(relayed, untilMs);
  }
  actions.push(answer(request, success(request).add(ATTRIBUTE.lifetime, seconds)));
  return actions;
}

function chosenBy({ message }: AuthenticatedRequest, allocation: Allocation): readonly RelayedAddress[] {
  const { requestedAddressFamily: family } = message;
  if (family === undefined) return [...allocation.relayed];
  return allocation.relayed.filter(({ relay }) => relay.address.ip.family === family);
}
