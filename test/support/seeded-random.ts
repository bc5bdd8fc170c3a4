import { type Random, randomFrom } from "../../src/lib/random.ts";

/** Chance that is the same for the same seed, on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    const a = Math.imul(state ^ (state >>> 15), 1 | state);
    const b = a ^ (a + Math.imul(a ^ (a >>> 7), 61 | a));
    return (b ^ (b >>> 14)) >>> 0;
  };
  return randomFrom((count) => Uint8Array.from({ length: count }, () => next() & 0xff));
}
