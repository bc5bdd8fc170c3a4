import type { Instant } from "../../lib/time.ts";
import { type FiveTuple, fiveTupleKey } from "../../net/address.ts";
import { ATTRIBUTE } from "../../stun/attributes.ts";
import type { Message } from "../../stun/message.ts";
import type { Action } from "../action.ts";
import { sendable } from "../permission.ts";
import { IGNORED, OVER_BANDWIDTH } from "../silence.ts";
import type { TurnState } from "../state.ts";

/**
 * Send: data to a permitted peer, without a channel. Nobody is told what is wrong with an indication.
 *
 * @see RFC 8656 §11.2
 */
export function send(state: TurnState, message: Message, from: FiveTuple, now: Instant): readonly Action[] {
  const allocation = state.at(fiveTupleKey(from));
  if (allocation === undefined) return IGNORED["no allocation"];

  if (allocation.isTcp) return IGNORED["not a request"];

  const { xorPeerAddress: peer, data } = message;
  const dontFragment = message.has(ATTRIBUTE.dontFragment.type);
  const isUnderstood = message.unknownRequired.length === 0 && (!dontFragment || state.settings.dontFragment);
  if (peer === undefined || data === undefined || !isUnderstood) return IGNORED.malformed;

  const relay = allocation.relayTo(peer.ip.family);
  const wire = relay === undefined ? undefined : sendable(state, allocation, peer, now);
  if (relay === undefined || wire === undefined) return IGNORED["no permission"];
  if (!state.dependencies.traffic.chargeToPeer(allocation.traffic, data.length, now.monotonicMs)) return OVER_BANDWIDTH;
  return [{ kind: "sendToPeer", relay, wire, bytes: data, dontFragment }];
}
