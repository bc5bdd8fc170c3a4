import type { Instant } from "../../lib/time.ts";
import type { Action } from "../action.ts";
import { permit } from "../permission.ts";
import type { AuthenticatedRequest } from "../request.ts";
import { answer, reject, success } from "../respond.ts";
import type { TurnState } from "../state.ts";

/**
 * CreatePermission: permits the IP addresses of all its peers, or of none.
 *
 * @see RFC 8656 §10.2
 */
export function createPermission(state: TurnState, request: AuthenticatedRequest, now: Instant): readonly Action[] {
  const allocation = state.allocationOf(request);
  if (typeof allocation === "number") return reject(request, allocation);

  const peers = request.message.xorPeerAddresses;
  if (peers.length === 0) return reject(request, 400);
  if (peers.some(({ ip }) => allocation.relayTo(ip.family) === undefined)) return reject(request, 443);

  const actions: Action[] = [];
  const refusal = permit(state, allocation, peers, "ip", now, actions);
  if (refusal !== undefined) return [...actions, ...reject(request, refusal)];
  actions.push(answer(request, success(request)));
  return actions;
}
