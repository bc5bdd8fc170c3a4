import type { AttributeCodec } from "./codec.ts";

/** REALM, SOFTWARE and reason phrases: fewer than 128 characters, read at up to 763 octets, written at up to 509 (RFC 8489 §14.9). */
export const MAX_TEXT_BYTES = 763;
const MAX_WRITTEN_BYTES = 509;

/** A byte order mark is a character like any other here, so that what is read can be written again. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * USERNAME, REALM, SOFTWARE and ALTERNATE-DOMAIN: UTF-8 without an end mark.
 *
 * @param maxBytes the most that is read; longer is malformed
 * @param maxWritten the most that is written
 * @see RFC 8489 §14.3, §14.9, §14.14, §14.16
 */
export function text(maxBytes: number, maxWritten = Math.min(maxBytes, MAX_WRITTEN_BYTES)): AttributeCodec<string> {
  return {
    decode(value) {
      return value.length > maxBytes ? undefined : textFrom(value);
    },

    fits(bytes, at, length) {
      if (length > maxBytes) return false;
      return isAscii(bytes, at, length) || textFrom(bytes.subarray(at, at + length)) !== undefined;
    },

    encode(value) {
      return octetsOf(value, maxWritten);
    },
  };
}

/** Strict UTF-8: `undefined` for anything else, overlong forms and surrogates included. */
export function textFrom(octets: Uint8Array): string | undefined {
  try {
    return utf8.decode(octets);
  } catch {
    return undefined;
  }
}

function isAscii(bytes: Uint8Array, at: number, length: number): boolean {
  let all = 0;
  for (let i = at; i < at + length; i++) all |= bytes[i] ?? 0;
  return all < 0x80;
}

/** @throws {RangeError} for a text longer than `maxBytes` */
export function octetsOf(value: string, maxBytes = MAX_WRITTEN_BYTES): Uint8Array {
  const octets = encoder.encode(value);
  if (octets.length > maxBytes) throw new RangeError(`A text of ${octets.length} octets, where ${maxBytes} fit`);
  return octets;
}
