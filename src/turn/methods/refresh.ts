import type { Instant } from "../../lib/time.ts";
import type { Action } from "../action.ts";
import { bringTicket } from "../mobility.ts";
import { renew } from "../renew.ts";
import type { AuthenticatedRequest } from "../request.ts";
import { reject } from "../respond.ts";
import type { TurnState } from "../state.ts";

/**
 * Refresh: a new time to expiry, or with LIFETIME 0 the end; of one family of a dual allocation, or of all there is.
 * With a MOBILITY-TICKET the allocation may be one that was made from elsewhere.
 *
 * A retransmitted Refresh of 0 finds no allocation and is 437, which its client takes for success (RFC 8656 §8.3).
 *
 * @see RFC 8656 §8.2; RFC 8016 §3.2.2
 */
export function refresh(state: TurnState, request: AuthenticatedRequest, now: Instant): readonly Action[] {
  const { mobilityTicket } = request.message;
  if (mobilityTicket !== undefined) return bringTicket(state, request, mobilityTicket, now);
  const allocation = state.allocationOf(request);
  return typeof allocation === "number" ? reject(request, allocation) : renew(state, allocation, request, now);
}
