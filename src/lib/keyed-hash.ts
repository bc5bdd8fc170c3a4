import { createHash, createHmac } from "node:crypto";
import { readInt32 } from "./bytes.ts";

/** How many multipliers {@link multipliers} makes of a key. */
export const MULTIPLIERS = 16;

/**
 * The secret multipliers of a table that strangers choose keys for.
 *
 * A key cut into pieces of 16 bits and summed as `Math.imul(multiplier, piece)` is a universal hash: whoever does not
 * know the multipliers cannot choose two keys that fall together but by luck. Pieces of 32 bits would lose that: two
 * top bits flipped together cancel under half of all multipliers.
 *
 * @param key secret octets, 16 or more of them random
 * @param use what the table is for, so that two under one key have nothing in common
 */
export function multipliers(key: Uint8Array, use: string): Int32Array {
  const digest = createHash("sha512").update(use).update("\0").update(key).digest();
  return Int32Array.from({ length: MULTIPLIERS }, (_, i) => readInt32(digest, 4 * i));
}

/** Two multiplications that carry every bit of a sum into every bit of the result (a bijection of 32 bits). */
export function mix(sum: number): number {
  let hash = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** 64 bits of a keyed hash of a text, as two signed words: for texts that strangers have a say in. About a microsecond. */
export function hashText(key: Uint8Array, text: string): [number, number] {
  const digest = createHmac("sha256", key).update(text).digest();
  return [readInt32(digest, 0), readInt32(digest, 4)];
}
