import { type Random, randomFrom } from "../../../src/lib/random.ts";

/** Chance that a seed repeats (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed;
  const octet = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) & 0xff;
  };
  return randomFrom((count) => Uint8Array.from({ length: count }, octet));
}
