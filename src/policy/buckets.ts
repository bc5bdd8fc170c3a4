/** Buckets that share a place in the table. */
const WAYS = 4;
/** A double for the bucket and a word for whose it is. */
const BUCKET_BYTES = 12;

/** How a bucket fills and how much it holds, both in milliseconds: a taking costs some, and no more than `holdsMs` are owed. */
export interface BucketRate {
  readonly costMs: number;
  readonly holdsMs: number;
}

/** A bucket that was found: where it is, and until when what was taken from it is owed. */
export interface Bucket {
  at: number;
  tag: number;
  owedUntilMs: number;
}

/**
 * Token buckets in a table of fixed size, for all threads, for keys that strangers choose.
 *
 * A bucket is one number, the moment at which it will be full again: 0 is full, so fresh memory is a table of full
 * buckets. Each key has four places by its hash. One that is in none of them takes over the fullest of the four *as it is*;
 * it does not begin with a full one. Two things follow for a flood from millions of sources:
 *
 * - Whoever has taken much keeps its place, and so its limit: it is never the fullest of four. Nobody gains a fresh bucket
 *   by pushing his own out, and all sources together never get more than the table's buckets give.
 * - A stranger that takes once leaves a bucket nearly full, and whoever takes it over is served. A newcomer is refused
 *   only while all four of its places are empty, which takes four heavy keys at one place that nobody can aim at.
 *
 * Counts are relaxed: two threads that take in the same instant may count one.
 */
export class Buckets {
  readonly #owedUntil: Float64Array;
  readonly #tags: Int32Array;
  readonly #setMask: number;

  /** @param count a power of two, 4 or more */
  static memory(count: number): SharedArrayBuffer {
    return new SharedArrayBuffer(count * BUCKET_BYTES);
  }

  constructor(memory: SharedArrayBuffer) {
    const count = memory.byteLength / BUCKET_BYTES;
    this.#owedUntil = new Float64Array(memory, 0, count);
    this.#tags = new Int32Array(memory, 8 * count, count);
    this.#setMask = count / WAYS - 1;
  }

  /** The bucket of a key, given as 64 bits of a keyed hash. */
  find(placeHash: number, tag: number): Bucket {
    const first = (placeHash & this.#setMask) * WAYS;
    let fullest = first;
    for (let at = first; at < first + WAYS; at++) {
      if (this.#tags[at] === tag) return { at, tag, owedUntilMs: this.#owedUntil[at] ?? 0 };
      if ((this.#owedUntil[at] ?? 0) < (this.#owedUntil[fullest] ?? 0)) fullest = at;
    }
    return { at: fullest, tag, owedUntilMs: this.#owedUntil[fullest] ?? 0 };
  }

  /** Takes once from a bucket that {@link waitMs} has found ready. */
  take({ at, tag, owedUntilMs }: Bucket, { costMs }: BucketRate, nowMs: number): void {
    this.#tags[at] = tag;
    this.#owedUntil[at] = Math.max(owedUntilMs, nowMs) + costMs;
  }
}

/** How long until a bucket gives once more, in milliseconds; 0 now. */
export function waitMs({ owedUntilMs }: Bucket, { costMs, holdsMs }: BucketRate, nowMs: number): number {
  const slack = costMs / 1000; // a bucket of n gives n times, whatever the rounding of n sums
  const wait = Math.max(owedUntilMs, nowMs) + costMs - nowMs - holdsMs;
  return wait <= slack ? 0 : wait;
}
