import type { Instant } from "../../lib/time.ts";
import { addressKey } from "../../net/address.ts";
import { isChannelNumber } from "../../stun/channel-data.ts";
import type { Action } from "../action.ts";
import { bind } from "../channel.ts";
import { hasRoomForPeer, permit, rememberPeer } from "../permission.ts";
import type { AuthenticatedRequest } from "../request.ts";
import { answer, reject, success } from "../respond.ts";
import { MAX_CHANNELS } from "../settings.ts";
import type { TurnState } from "../state.ts";

/**
 * ChannelBind: binds a channel number to a peer, or refreshes that binding; either way the
 * peer's address is permitted too.
 *
 * @see RFC 8656 §12.2
 */
export function channelBind(state: TurnState, request: AuthenticatedRequest, now: Instant): readonly Action[] {
  const allocation = state.allocationOf(request);
  if (typeof allocation === "number") return reject(request, allocation);

  const { channelNumber: number, xorPeerAddress: peer } = request.message;
  if (allocation.isTcp) return reject(request, 400); // what has no datagrams has no channels
  if (number === undefined || !isChannelNumber(number) || peer === undefined) return reject(request, 400);
  const relay = allocation.relayTo(peer.ip.family);
  if (relay === undefined) return reject(request, 443);

  // One number for one peer: whatever holds either of the two must hold both.
  const key = addressKey(peer);
  const existing = allocation.channelByNumber(number);
  if (existing !== allocation.channelByPeer(key)) return reject(request, 400);
  const isFull = existing === undefined && allocation.channelCount >= MAX_CHANNELS;
  if (isFull || !hasRoomForPeer(state, allocation, key)) return reject(request, 508);

  const actions: Action[] = [];
  const refusal = permit(state, allocation, [peer], "address", now, actions);
  if (refusal !== undefined) return [...actions, ...reject(request, refusal)];

  const { wire } = rememberPeer(state, allocation, peer, now);
  const channel = existing ?? allocation.addChannel(number, peer, relay, wire);
  const isNew = !channel.bound;
  bind(state, channel, now, actions);
  if (isNew) {
    const { id, username } = allocation.facts;
    actions.push({ kind: "report", event: { type: "channelBound", allocation: id, username, number } });
  }
  actions.push(answer(request, success(request)));
  return actions;
}
