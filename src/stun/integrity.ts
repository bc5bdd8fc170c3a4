import { createHmac, hash as digestOf } from "node:crypto";
import { copyOf, equalBytes, holdsBytes } from "../lib/bytes.ts";
import { ATTRIBUTE } from "./attributes.ts";
import { HEADER_BYTES, writeBodyLength } from "./header.ts";
import type { Message } from "./message.ts";

/** MESSAGE-INTEGRITY is made with the first, MESSAGE-INTEGRITY-SHA256 with the second. */
export type IntegrityHash = "sha1" | "sha256";

const CODE_BYTES = { sha1: 20, sha256: 32 } as const;

/**
 * The key of a long-term credential: MD5 of `username:realm:password`.
 *
 * Realm and password are prepared as OpaqueString (RFC 8265 §4.2), the username is taken as it is.
 *
 * @returns 16 octets
 * @see RFC 8489 §9.2.2, §18.5.1.1
 */
export function longTermKey(username: string, realm: string, password: string): Uint8Array {
  return digestOf("md5", keyText(username, realm, password), "buffer");
}

/** The same with SHA-256, where client and server agreed on it (RFC 8489 §18.5.1.2). @returns 32 octets */
export function longTermKeySha256(username: string, realm: string, password: string): Uint8Array {
  return digestOf("sha256", keyText(username, realm, password), "buffer");
}

/** USERHASH: a username that only those who know it recognise (RFC 8489 §14.4). @returns 32 octets */
export function userhash(username: string, realm: string): Uint8Array {
  return digestOf("sha256", `${opaque(username)}:${opaque(realm)}`, "buffer");
}

/**
 * Whether MESSAGE-INTEGRITY is there and made with this key.
 *
 * @returns in a time that does not tell how much of a wrong code was right
 * @see RFC 8489 §14.5
 */
export function verifyIntegrity(message: Message, key: Uint8Array): boolean {
  const offset = message.offsetOf(ATTRIBUTE.messageIntegrity.type);
  if (offset === undefined || !message.holds(ATTRIBUTE.messageIntegrity)) return false;
  return holdsBytes(message.bytes, offset + 4, integrityCode("sha1", message.bytes, offset, key));
}

/** The same for MESSAGE-INTEGRITY-SHA256. One that is cut proves nothing: TURN does not allow it (RFC 8489 §14.6). */
export function verifyIntegritySha256(message: Message, key: Uint8Array): boolean {
  const offset = message.offsetOf(ATTRIBUTE.messageIntegritySha256.type);
  const code = message.messageIntegritySha256;
  if (offset === undefined || code?.length !== CODE_BYTES.sha256) return false;
  return equalBytes(code, integrityCode("sha256", message.bytes, offset, key));
}

/**
 * The code over a message up to `end`, as if its attribute stood there and was the last: the length in the header
 * counts that attribute and nothing behind it.
 *
 * @param codeBytes how many octets of the code the attribute carries
 * @returns the whole code
 */
export function integrityCode(
  hash: IntegrityHash,
  bytes: Uint8Array,
  end: number,
  key: Uint8Array,
  codeBytes: number = CODE_BYTES[hash],
): Uint8Array {
  // One copy and one update: a second update costs more than all the rest.
  const covered = copyOf(bytes, 0, end);
  writeBodyLength(covered, end - HEADER_BYTES + 4 + codeBytes);
  return createHmac(hash, key).update(covered).digest();
}

function keyText(username: string, realm: string, password: string): string {
  return `${username}:${opaque(realm)}:${opaque(password)}`;
}

/** RFC 8265 §4.2.2: every kind of space is a space, then normalization form C. */
function opaque(text: string): string {
  return text.replace(/\p{Zs}/gu, " ").normalize("NFC");
}
