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

/**
 * How many octets of the collector's heap a step takes, by how much the heap has to grow; `undefined` where the runtime does
 * not say. The heap grows by blocks of 16 KiB, so 100,000 steps tell a fraction of an octet; so many that it collects
 * meanwhile tell nothing.
 */
export async function octetsPer(steps: number, step: (i: number) => void): Promise<number | undefined> {
  const { gcAndSweep, heapStats } = await import("bun:jsc").catch(() => ({ gcAndSweep: undefined, heapStats: undefined }));
  if (gcAndSweep === undefined || heapStats === undefined) return undefined;
  gcAndSweep();
  const before = heapStats().heapCapacity;
  for (let i = 0; i < steps; i++) step(i);
  return Math.round((10 * (heapStats().heapCapacity - before)) / steps) / 10;
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

/**
 * How many objects some work makes on the collector's heap, exactly, dead ones included; `undefined` where the runtime
 * does not say, `Infinity` where the work made so many that the collector had to run.
 */
export async function objectsMade(work: () => void): Promise<number | undefined> {
  const { gcAndSweep, heapStats } = await import("bun:jsc").catch(() => ({ gcAndSweep: undefined, heapStats: undefined }));
  if (gcAndSweep === undefined || heapStats === undefined) return undefined;
  const look = (): readonly [all: number, witnesses: number] => {
    const { objectTypeCounts } = heapStats();
    let all = 0;
    for (const type in objectTypeCounts) if (!KINDS.has(type)) all += objectTypeCounts[type] ?? 0;
    return [all, objectTypeCounts.WeakSet ?? 0];
  };
  for (let i = 0; i < LOOKS; i++) look(); // the first ones make more than those that follow
  gcAndSweep();
  // Nobody keeps them: as long as they are counted, nothing has been collected.
  for (let i = 0; i < WITNESSES; i++) new WeakSet();
  look();
  const [first] = look();
  const [second, witnesses] = look();
  work();
  const [third, left] = look();
  return left < witnesses ? Infinity : third - second - (second - first); // less what a look makes itself
}

/** What describes objects and is made once for many of them. */
const KINDS: ReadonlySet<string> = new Set(["Structure", "PropertyTable", "FunctionCodeBlock"]);
/** More than it takes until looking is compiled for good. */
const LOOKS = 300;
const WITNESSES = 100;
