/** Says something at most once a minute, with how often it happened: for what strangers can cause. */
export class Throttle {
  readonly #quietMs: number;
  readonly #said = new Map<string, { atMs: number; unsaid: number }>();

  /** @param quietMs how long after a line the next of its kind waits */
  constructor(quietMs = 60_000) {
    this.#quietMs = quietMs;
  }

  /**
   * @param kind what happened; from a fixed list, never a stranger's word
   * @returns how often it has happened since the last line, this time included, or 0 if nothing is to be said now
   */
  count(kind: string, nowMs: number): number {
    const before = this.#said.get(kind);
    if (before !== undefined && nowMs - before.atMs < this.#quietMs) {
      before.unsaid++;
      return 0;
    }
    this.#said.set(kind, { atMs: nowMs, unsaid: 0 });
    return (before?.unsaid ?? 0) + 1;
  }
}
