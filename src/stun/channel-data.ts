import { readUint16, writeUint16 } from "../lib/bytes.ts";

/** Channel number and length: what stands in front of the data (RFC 8656 §12.4). */
export const CHANNEL_HEADER_BYTES = 4;
export const FIRST_CHANNEL = 0x4000;
export const LAST_CHANNEL = 0x7fff;

/**
 * Whether a number may be bound. RFC 8656 §12 ends at 0x4fff and reserves what lies above; clients of RFC 5766 (§11), whose
 * range ends at 0x7fff, still choose from all of it, and here nothing else begins with those bits.
 */
export function isChannelNumber(number: number): boolean {
  return number >= FIRST_CHANNEL && number <= LAST_CHANNEL;
}

/** Writes the four octets in front of data. */
export function writeChannelHeader(bytes: Uint8Array, offset: number, channel: number, length: number): void {
  writeUint16(bytes, offset, channel);
  writeUint16(bytes, offset + 2, length);
}

/** The channel that a ChannelData message names. */
export function channelOf(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset);
}

/**
 * How much data a ChannelData message carries.
 *
 * @param length octets of the whole message as it came; over UDP padding behind the data is allowed, and not data
 * @returns -1 if there is no header, the number is none of a channel, or the header promises more than there is
 */
export function channelDataLength(bytes: Uint8Array, offset: number, length: number): number {
  if (length < CHANNEL_HEADER_BYTES || !isChannelNumber(readUint16(bytes, offset))) return -1;
  const promised = readUint16(bytes, offset + 2);
  return promised > length - CHANNEL_HEADER_BYTES ? -1 : promised;
}
