import { ATTRIBUTE } from "./attributes.ts";
import type { Message } from "./message.ts";

const POLYNOMIAL = 0xedb88320; // CRC-32 of ITU V.42, its bits reversed
const MASK = 0x5354554e; // "STUN", so that a CRC of another protocol over the same octets differs

const TABLE = crcTable();

/**
 * What FINGERPRINT says of a message.
 *
 * @param bytes all in front of the attribute, whose 8 octets the header's length already counts
 * @see RFC 8489 §14.7
 */
export function fingerprintOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const octet of bytes) crc = (TABLE[(crc ^ octet) & 0xff] ?? 0) ^ (crc >>> 8);
  return (~crc ^ MASK) >>> 0;
}

/** Whether a message's FINGERPRINT is what it should be: the last attribute, and the right sum. */
export function checkFingerprint(message: Message): "absent" | "right" | "wrong" {
  const offset = message.offsetOf(ATTRIBUTE.fingerprint.type);
  if (offset === undefined) return "absent";
  const isLast = offset + 8 === message.bytes.length;
  return isLast && message.fingerprint === fingerprintOf(message.bytes.subarray(0, offset)) ? "right" : "wrong";
}

/** Division by the polynomial, for every octet. */
function crcTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, octet) => {
    let crc = octet;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? POLYNOMIAL ^ (crc >>> 1) : crc >>> 1;
    return crc;
  });
}
