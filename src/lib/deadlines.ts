/** Something that can have a deadline, of one {@link Deadlines} only. */
export interface Timed {
  /** When it is due; `NO_DEADLINE` while it has none. Written by its {@link Deadlines} alone. */
  dueMs: number;
}

/** The moment of what has no deadline. */
export const NO_DEADLINE = Infinity;

/**
 * Moments at which things end: a min-heap with one moment for each item.
 *
 * Re-arming an item later is free: its entry in the heap stays, and is put right when it comes to the top. So a
 * permission that is refreshed every minute costs nothing in between. Each item knows its own moment, and the heap is two
 * plain arrays: most of the memory of an idle server is what waits here.
 */
export class Deadlines<T extends Timed> {
  readonly #items: T[] = [];
  readonly #moments: number[] = [];
  #size = 0;

  /** Entries of the heap: never more than four for each item, or 64. */
  get weight(): number {
    return this.#items.length;
  }

  /** How many items have a deadline. */
  get size(): number {
    return this.#size;
  }

  /** Sets or moves the deadline of an item, in milliseconds of any one clock. */
  set(item: T, atMs: number): void {
    if (atMs === NO_DEADLINE) return this.delete(item);
    const before = item.dueMs;
    item.dueMs = atMs;
    if (before === NO_DEADLINE) this.#size++;
    else if (atMs >= before) return;
    this.#push(item, atMs);
    this.#shed();
  }

  /** Forgets an item; one without a deadline is no mistake. */
  delete(item: T): void {
    if (item.dueMs === NO_DEADLINE) return;
    item.dueMs = NO_DEADLINE;
    this.#size--;
    this.#shed();
  }

  /** When an item is due, or `undefined` if it has no deadline. */
  of({ dueMs }: T): number | undefined {
    return dueMs === NO_DEADLINE ? undefined : dueMs;
  }

  /** The earliest moment, or `undefined` when there is none. */
  get next(): number | undefined {
    this.#settleTop();
    return this.#moments[0];
  }

  /** Takes out one item that is due at `nowMs`, the earliest first; `undefined` when none is. */
  take(nowMs: number): T | undefined {
    this.#settleTop();
    const [item] = this.#items;
    if (item === undefined || item.dueMs > nowMs) return undefined;
    this.#pop();
    item.dueMs = NO_DEADLINE;
    this.#size--;
    return item;
  }

  /** Drops entries of forgotten items and moves re-armed ones to their place, until the top is true. */
  #settleTop(): void {
    for (let item = this.#items[0]; item !== undefined; item = this.#items[0]) {
      const atMs = this.#moments[0] ?? 0;
      const { dueMs } = item;
      if (dueMs === atMs) return;
      this.#pop();
      if (dueMs !== NO_DEADLINE && dueMs > atMs) this.#push(item, dueMs);
    }
  }

  /** Keeps the heap within four entries an item, whoever moves deadlines to and fro or forgets items. */
  #shed(): void {
    if (this.#items.length <= 64 || this.#items.length <= 4 * this.#size) return;
    const waiting = new Set(this.#items);
    this.#items.length = this.#moments.length = 0;
    for (const item of waiting) if (item.dueMs !== NO_DEADLINE) this.#push(item, item.dueMs);
  }

  #push(item: T, atMs: number): void {
    let at = this.#items.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#items[parent];
      const aboveMs = this.#moments[parent] ?? 0;
      if (above === undefined || aboveMs <= atMs) break;
      this.#put(at, above, aboveMs);
      at = parent;
    }
    this.#put(at, item, atMs);
  }

  #pop(): void {
    const item = this.#items.pop();
    const atMs = this.#moments.pop();
    const { length } = this.#items;
    if (item === undefined || atMs === undefined || length === 0) return;
    let at = 0;
    for (;;) {
      const least = this.#lesserChild(at);
      const below = this.#items[least];
      const belowMs = this.#moments[least] ?? NO_DEADLINE;
      if (below === undefined || belowMs >= atMs) break;
      this.#put(at, below, belowMs);
      at = least;
    }
    this.#put(at, item, atMs);
  }

  #lesserChild(at: number): number {
    const left = 2 * at + 1;
    return (this.#moments[left + 1] ?? NO_DEADLINE) < (this.#moments[left] ?? NO_DEADLINE) ? left + 1 : left;
  }

  #put(at: number, item: T, atMs: number): void {
    this.#items[at] = item;
    this.#moments[at] = atMs;
  }
}
