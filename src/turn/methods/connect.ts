import { copyOf } from "../../lib/bytes.ts";
import type { Instant } from "../../lib/time.ts";
import { addressKey } from "../../net/address.ts";
import { Message } from "../../stun/message.ts";
import type { Action } from "../action.ts";
import { addConnection } from "../connection.ts";
import { hasRoomForPeer, permit, rememberPeer } from "../permission.ts";
import type { AuthenticatedRequest } from "../request.ts";
import { reject } from "../respond.ts";
import { MAX_CONNECTIONS } from "../settings.ts";
import type { TurnState } from "../state.ts";

/**
 * Connect: a TCP connection from the relayed address to a peer. It is answered when the peer has.
 *
 * @see RFC 6062 §5.2
 */
export function connect(state: TurnState, request: AuthenticatedRequest, now: Instant): readonly Action[] {
  const allocation = state.allocationOf(request);
  if (typeof allocation === "number") return reject(request, allocation);
  const { xorPeerAddress: peer } = request.message;
  if (!allocation.isTcp || peer === undefined) return reject(request, 400);
  const relay = allocation.relayTo(peer.ip.family);
  if (relay === undefined) return reject(request, 443);
  const key = addressKey(peer);
  if (allocation.connections.has(key)) return reject(request, 446);
  if (allocation.connections.size >= MAX_CONNECTIONS || !hasRoomForPeer(state, allocation, key)) return reject(request, 508);

  const actions: Action[] = [];
  const refusal = permit(state, allocation, [peer], "address", now, actions);
  if (refusal !== undefined) return [...actions, ...reject(request, refusal)];
  const { wire } = rememberPeer(state, allocation, peer, now);
  const message = Message.decode(copyOf(request.message.bytes, 0)) ?? request.message;
  const { id } = addConnection(state, allocation, peer, { name: "connecting", request: { ...request, message } }, now);
  actions.push({ kind: "connectPeer", relay, connection: id, wire });
  return actions;
}
