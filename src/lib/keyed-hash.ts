import { createHash } from "node:crypto";
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

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/**
 * 64 bits of a keyed hash of texts that strangers have a say in: HalfSipHash-2-4 of their UTF-16 code units, a pseudorandom
 * function made for tables, of 32-bit words alone. It costs a quarter of an HMAC.
 *
 * Whoever knows neither key nor hashes cannot make two texts meet.
 */
export class TextHash {
  readonly #low: number;
  readonly #high: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  /** @param key 8 octets, secret and random */
  constructor(key: Uint8Array) {
    this.#low = littleEndian(key, 0);
    this.#high = littleEndian(key, 4);
  }

  /** The key that is made of another for one use of it, so that two uses have nothing in common. @param key secret octets, 16 or more of them random */
  static derive(key: Uint8Array, use: string): TextHash {
    return new TextHash(createHash("sha256").update(use).update("\0").update(key).digest().subarray(0, 8));
  }

  /** Two signed words. */
  of(text: string): [number, number] {
    this.#v0 = this.#low;
    this.#v1 = this.#high ^ 0xee;
    this.#v2 = this.#low ^ 0x6c796765;
    this.#v3 = this.#high ^ 0x74656462;
    const { length } = text;
    let at = 0;
    for (; at + 2 <= length; at += 2) this.#take(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
    this.#take((at < length ? text.charCodeAt(at) : 0) | ((2 * length) << 24));
    this.#v2 ^= 0xee;
    const low = this.#finish();
    this.#v1 ^= 0xdd;
    return [low, this.#finish()];
  }

  #take(word: number): void {
    this.#v3 ^= word;
    this.#rounds(2);
    this.#v0 ^= word;
  }

  #finish(): number {
    this.#rounds(4);
    return this.#v1 ^ this.#v3;
  }

  #rounds(count: number): void {
    let [v0, v1, v2, v3] = [this.#v0, this.#v1, this.#v2, this.#v3];
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) | 0;
      v1 = rotate(v1, 5) ^ v0;
      v0 = rotate(v0, 16);
      v2 = (v2 + v3) | 0;
      v3 = rotate(v3, 8) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = rotate(v3, 7) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = rotate(v1, 13) ^ v2;
      v2 = rotate(v2, 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}

function littleEndian(octets: Uint8Array, at: number): number {
  return (octets[at] ?? 0) | ((octets[at + 1] ?? 0) << 8) | ((octets[at + 2] ?? 0) << 16) | ((octets[at + 3] ?? 0) << 24);
}
