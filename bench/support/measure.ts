/** The fastest of five rounds, in nanoseconds for each step, with one decimal. */
export function nanosecondsPer(steps: number, step: (i: number) => void): number {
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < steps; i++) step(i);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / steps);
  }
  return Math.round(10 * best) / 10;
}

/** Whole numbers below a limit, the same for each seed (mulberry32). */
export function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
