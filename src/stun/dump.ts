import { readUint16, toHex } from "../lib/bytes.ts";
import { formatAddress, type TransportAddress } from "../net/address.ts";
import { ATTRIBUTE_BY_TYPE, mustBeUnderstood } from "./attributes.ts";
import { CHANNEL_HEADER_BYTES, channelDataLength, channelOf } from "./channel-data.ts";
import { checkFingerprint } from "./fingerprint.ts";
import { HEADER_BYTES, METHOD } from "./header.ts";
import { Message } from "./message.ts";

const CLASS_NAMES = ["request", "indication", "success response", "error response"] as const;
const METHOD_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(METHOD).map(([name, number]) => [number, name]));

/**
 * A message in words, for people: a line that says what it is, and one for each attribute.
 *
 * Any bytes have words. What the message says is printed as it is, NONCE and USERNAME included: not for logs.
 *
 * @example
 * ```
 * allocate request, 8 octets, transaction b7e7a701bc34d686fa87dfae
 *   REQUESTED-TRANSPORT  17
 * ```
 */
export function dump(bytes: Uint8Array): string {
  const message = Message.decode(bytes);
  if (message) return [headline(message), ...attributeLines(message)].join("\n");
  const length = channelDataLength(bytes, 0, bytes.length);
  if (length < 0) return `neither STUN nor ChannelData, ${bytes.length} octets\n  ${toHex(bytes)}`;
  const data = bytes.subarray(CHANNEL_HEADER_BYTES, CHANNEL_HEADER_BYTES + length);
  return `ChannelData 0x${hex16(channelOf(bytes, 0))}, ${length} octets\n  ${toHex(data)}`;
}

function headline(message: Message): string {
  const method = METHOD_NAMES.get(message.method) ?? `method 0x${message.method.toString(16)}`;
  const octets = message.bytes.length - HEADER_BYTES;
  return `${method} ${CLASS_NAMES[message.class]}, ${octets} octets, transaction ${toHex(message.transactionId)}`;
}

function* attributeLines(message: Message): Generator<string> {
  const counts = new Set(message.offsets);
  const { bytes } = message;
  for (let at = HEADER_BYTES; at < bytes.length; at += 4 + ((readUint16(bytes, at + 2) + 3) & ~3)) {
    const type = readUint16(bytes, at);
    const name = ATTRIBUTE_BY_TYPE.get(type)?.name ?? `0x${hex16(type)}`;
    yield `  ${name}  ${words(message, type, at)}${counts.has(at) ? "" : " (ignored: behind the integrity)"}`.trimEnd();
  }
}

function words(message: Message, type: number, offset: number): string {
  const value = message.valueAt(offset);
  const attribute = ATTRIBUTE_BY_TYPE.get(type);
  if (attribute === undefined) return `${toHex(value)} (${mustBeUnderstood(type) ? "unknown, required" : "unknown, optional"})`;
  const decoded = attribute.codec.decode(value, message.transactionId);
  if (decoded === undefined) return `${toHex(value)} (malformed)`;
  if (attribute.name === "FINGERPRINT") return `0x${toHex(value)} (${checkFingerprint(message)})`;
  return phrase(decoded);
}

function phrase(value: unknown): string {
  if (value === true) return "";
  if (value instanceof Uint8Array) return toHex(value);
  if (isTransportAddress(value)) return formatAddress(value);
  return JSON.stringify(value, (_, inner: unknown) => (inner instanceof Uint8Array ? toHex(inner) : inner));
}

function isTransportAddress(value: unknown): value is TransportAddress {
  return typeof value === "object" && value !== null && "ip" in value && "port" in value && typeof value.ip === "object";
}

function hex16(number: number): string {
  return number.toString(16).padStart(4, "0");
}
