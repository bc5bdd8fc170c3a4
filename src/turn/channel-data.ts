import { readUint16 } from "../lib/bytes.ts";
import type { Instant } from "../lib/time.ts";
import { CHANNEL_HEADER_BYTES, channelDataLength } from "../stun/channel-data.ts";
import type { Action } from "./action.ts";
import { NOTHING, OVER_BANDWIDTH } from "./silence.ts";
import type { TurnState } from "./state.ts";

/** ChannelData that waited for its allocation: what the forwarding table would have done with it. */
export function channelData(state: TurnState, tuple: string, bytes: Uint8Array, now: Instant): readonly Action[] {
  const length = channelDataLength(bytes, 0, bytes.length);
  const allocation = state.at(tuple);
  const channel = length < 0 ? undefined : allocation?.channelByNumber(readUint16(bytes, 0));
  if (allocation === undefined || channel?.bound !== true) return NOTHING;
  if (!state.dependencies.traffic.chargeToPeer(allocation.traffic, length, now.monotonicMs)) return OVER_BANDWIDTH;
  const data = bytes.subarray(CHANNEL_HEADER_BYTES, CHANNEL_HEADER_BYTES + length);
  return [{ kind: "sendToPeer", relay: channel.relay, wire: channel.wire, bytes: data, dontFragment: false }];
}
