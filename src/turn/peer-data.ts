import type { RelayId } from "../forward/route.ts";
import type { Instant } from "../lib/time.ts";
import { addressKey, ipKey, type TransportAddress } from "../net/address.ts";
import { ATTRIBUTE } from "../stun/attributes.ts";
import { CHANNEL_HEADER_BYTES, writeChannelHeader } from "../stun/channel-data.ts";
import { CLASS, METHOD } from "../stun/header.ts";
import { MessageBuilder } from "../stun/message.ts";
import type { Action } from "./action.ts";
import type { IcmpError } from "./input.ts";
import { IGNORED, NOTHING, OVER_BANDWIDTH } from "./silence.ts";
import type { TurnState } from "./state.ts";

/** ICMP types that are told of, by family (RFC 8656 §11.5). */
const ICMP_TYPES = { 4: [3, 11], 6: [1, 2, 3] } as const;

/**
 * Data from a peer that has no open route: a Data indication if its address is permitted.
 *
 * @see RFC 8656 §11.3
 */
export function peerDatagram(
  state: TurnState,
  relay: RelayId,
  peer: TransportAddress,
  bytes: Uint8Array,
  now: Instant,
): readonly Action[] {
  const allocation = state.byRelay(relay);
  if (allocation === undefined) return IGNORED["no allocation"];
  if (!allocation.permissions.has(ipKey(peer.ip))) return IGNORED["no permission"];
  if (!state.dependencies.traffic.chargeToClient(allocation.traffic, bytes.length, now.monotonicMs)) return OVER_BANDWIDTH;

  const relayed = bytes.length;
  const channel = allocation.channelCount === 0 ? undefined : allocation.channelByPeer(addressKey(peer));
  if (channel?.bound === true) {
    return [{ kind: "send", to: allocation.client, bytes: channelData(channel.number, bytes), relayed }];
  }
  const indication = new MessageBuilder(METHOD.data, CLASS.indication, state.transactionIds.next())
    .add(ATTRIBUTE.xorPeerAddress, peer)
    .add(ATTRIBUTE.data, bytes);
  return [{ kind: "send", to: allocation.client, bytes: indication.build(), relayed }];
}

/**
 * An ICMP error about a datagram of ours: a Data indication with ICMP, if the address it was sent to is permitted.
 *
 * @see RFC 8656 §11.5
 */
export function peerUnreachable(state: TurnState, relay: RelayId, peer: TransportAddress, icmp: IcmpError): readonly Action[] {
  const allocation = state.byRelay(relay);
  if (allocation === undefined) return IGNORED["no allocation"];
  if (!ICMP_TYPES[peer.ip.family].some((type) => type === icmp.type)) return NOTHING;
  if (!allocation.permissions.has(ipKey(peer.ip))) return IGNORED["no permission"];
  const indication = new MessageBuilder(METHOD.data, CLASS.indication, state.transactionIds.next())
    .add(ATTRIBUTE.xorPeerAddress, peer)
    .add(ATTRIBUTE.icmp, icmp);
  return [{ kind: "send", to: allocation.client, bytes: indication.build() }];
}

function channelData(number: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CHANNEL_HEADER_BYTES + data.length);
  writeChannelHeader(bytes, 0, number, data.length);
  bytes.set(data, CHANNEL_HEADER_BYTES);
  return bytes;
}
