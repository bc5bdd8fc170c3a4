import { readUint16, readUint32, writeUint16, writeUint32 } from "../../lib/bytes.ts";
import type { AttributeCodec } from "./codec.ts";

/**
 * LIFETIME (seconds), CONNECTION-ID and FINGERPRINT.
 *
 *     | number, 32 bits |
 *
 * @see RFC 8656 §18.2; RFC 6062 §6.2.1; RFC 8489 §14.7
 */
export const uint32: AttributeCodec<number> = {
  decode(value) {
    return value.length === 4 ? readUint32(value, 0) : undefined;
  },

  fits: isOneWord,

  encode(value) {
    const octets = new Uint8Array(4);
    writeUint32(octets, 0, value);
    return octets;
  },
};

/**
 * CHANNEL-NUMBER and RESPONSE-PORT.
 *
 *     | number, 16 bits | reserved, 16 bits |
 *
 * @see RFC 8656 §18.1; RFC 5780 §7.5
 */
export const uint16: AttributeCodec<number> = {
  decode(value) {
    return value.length === 4 ? readUint16(value, 0) : undefined;
  },

  fits: isOneWord,

  encode(value) {
    const octets = new Uint8Array(4);
    writeUint16(octets, 0, value);
    return octets;
  },
};

/**
 * REQUESTED-TRANSPORT, the protocol as IP numbers it: 17 is UDP, 6 is TCP.
 *
 *     | number, 8 bits | reserved, 24 bits |
 *
 * @see RFC 8656 §18.8
 */
export const uint8: AttributeCodec<number> = {
  decode(value) {
    return value.length === 4 ? value[0] : undefined;
  },

  fits: isOneWord,

  encode(value) {
    return Uint8Array.of(value, 0, 0, 0);
  },
};

function isOneWord(_bytes: Uint8Array, _at: number, length: number): boolean {
  return length === 4;
}
