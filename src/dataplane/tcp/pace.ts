/**
 * How fast octets may pass in one direction, over all connections that share it: what is too much is made up for by
 * waiting, for of a stream nothing can be dropped.
 */
export class Pace {
  readonly #perMs: number;
  /** When what has passed would have passed at the right speed. */
  #dueMs = 0;

  /** @param bytesPerSecond more than 0 */
  constructor(bytesPerSecond: number) {
    this.#perMs = bytesPerSecond / 1000;
  }

  /** Counts octets. @returns for how many milliseconds nothing more should be read */
  take(octets: number, nowMs: number): number {
    this.#dueMs = Math.max(this.#dueMs, nowMs) + octets / this.#perMs;
    return this.#dueMs - nowMs;
  }
}
