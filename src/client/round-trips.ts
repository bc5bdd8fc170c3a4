/** What round trips took, in milliseconds. */
export interface RoundTripTimes {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Each step is 1 % more than the one before; they reach from a microsecond to ten minutes. */
const STEPS = 2048;
const STEPS_PER_DOUBLING = 70;
const LEAST_MS = 0.001;

/** Counts round-trip times: however many there are, in the same memory, and true to one in a hundred. */
export class RoundTrips {
  readonly #counts = new Float64Array(STEPS);
  #count = 0;
  #max = 0;

  add(ms: number): void {
    const step = Math.round(Math.log2(Math.max(ms, LEAST_MS) / LEAST_MS) * STEPS_PER_DOUBLING);
    const at = Math.min(STEPS - 1, step);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count++;
    this.#max = Math.max(this.#max, ms);
  }

  /** Takes over what another has counted. */
  addAll(other: RoundTrips): void {
    for (const [at, count] of other.#counts.entries()) this.#counts[at] = (this.#counts[at] ?? 0) + count;
    this.#count += other.#count;
    this.#max = Math.max(this.#max, other.#max);
  }

  /** `undefined` if nothing was counted. */
  get times(): RoundTripTimes | undefined {
    if (this.#count === 0) return undefined;
    return { p50: this.#percentile(50), p90: this.#percentile(90), p99: this.#percentile(99), max: this.#max };
  }

  #percentile(percent: number): number {
    let below = (this.#count * percent) / 100;
    let at = 0;
    for (const [step, count] of this.#counts.entries()) {
      at = step;
      below -= count;
      if (below <= 0) break;
    }
    return Math.min(this.#max, LEAST_MS * 2 ** (at / STEPS_PER_DOUBLING));
  }
}
