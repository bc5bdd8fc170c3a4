import type { Instant } from "../lib/time.ts";
import { ATTRIBUTE } from "../stun/attributes.ts";
import type { Action } from "./action.ts";
import type { Allocation, RelayedAddress } from "./allocation.ts";
import { endRelayed } from "./end.ts";
import { grant } from "./lifetime.ts";
import type { AuthenticatedRequest } from "./request.ts";
import { answer, reject, success } from "./respond.ts";
import type { TurnState } from "./state.ts";

/**
 * Gives an allocation a new time to expiry, or with LIFETIME 0 ends it: one family of a dual one, or all there is.
 *
 * @param ticket the MOBILITY-TICKET of the answer, if the client is to have one
 * @see RFC 8656 §8.2
 */
export function renew(
  state: TurnState,
  allocation: Allocation,
  request: AuthenticatedRequest,
  now: Instant,
  ticket?: Uint8Array,
): Action[] {
  const chosen = chosenBy(request, allocation);
  if (chosen.length === 0) return reject(request, 443);

  const { lifetime } = request.message;
  const actions: Action[] = [];
  const { seconds, untilMs } = lifetime === 0 ? { seconds: 0, untilMs: 0 } : grant(lifetime, allocation.endsAtMs, now);
  for (const relayed of chosen) {
    if (lifetime === 0) endRelayed(state, relayed, "closed by client", now, actions);
    else state.deadlines.set(relayed, untilMs);
  }
  const reply = success(request).add(ATTRIBUTE.lifetime, seconds);
  if (ticket !== undefined && allocation.relayed.length > 0) reply.add(ATTRIBUTE.mobilityTicket, ticket);
  actions.push(answer(request, reply));
  return actions;
}

/** The relayed addresses that a Refresh is about; none is 443. */
export function chosenBy({ message }: AuthenticatedRequest, allocation: Allocation): readonly RelayedAddress[] {
  const { requestedAddressFamily: family } = message;
  if (family === undefined) return [...allocation.relayed];
  return allocation.relayed.filter(({ relay }) => relay.address.ip.family === family);
}
