import { parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { METHOD } from "../../src/stun/header.ts";
import type { MessageBuilder } from "../../src/stun/message.ts";
import type { Fill } from "./simulated-client.ts";

/** REQUESTED-TRANSPORT for UDP. */
export const UDP = 17;

const peer = parseAddress("198.51.100.1:9");

/** Each request of TURN that needs credentials, well-formed. */
export const TURN_REQUESTS: readonly { readonly name: string; readonly method: number; readonly fill: Fill }[] = [
  { name: "Allocate", method: METHOD.allocate, fill: (b) => b.add(ATTRIBUTE.requestedTransport, UDP) },
  { name: "Refresh", method: METHOD.refresh, fill: () => {} },
  { name: "CreatePermission", method: METHOD.createPermission, fill: (b) => b.add(ATTRIBUTE.xorPeerAddress, peer) },
  {
    name: "ChannelBind",
    method: METHOD.channelBind,
    fill: (b) => b.add(ATTRIBUTE.channelNumber, 0x4000).add(ATTRIBUTE.xorPeerAddress, peer),
  },
];

/** Those that need an allocation too. */
export const ON_ALLOCATION = TURN_REQUESTS.filter(({ method }) => method !== METHOD.allocate);

/** Adds an attribute of any type and octets: one that nobody knows, or one that is malformed. */
export function addRaw(builder: MessageBuilder, type: number, ...octets: readonly number[]): MessageBuilder {
  const codec = { decode: (value: Uint8Array) => value, encode: (value: Uint8Array) => value };
  return builder.add({ name: "raw", type, section: "", codec }, Uint8Array.from(octets));
}
