interface Entry<T> {
  readonly item: T;
  readonly atMs: number;
}

/**
 * Moments at which things end: a min-heap with one moment for each item.
 *
 * Re-arming an item later is free: its entry in the heap stays, and is put right when it comes to the top. So a
 * permission that is refreshed every minute costs nothing in between.
 */
export class Deadlines<T> {
  readonly #due = new Map<T, number>();
  readonly #heap: Entry<T>[] = [];

  /** Entries of the heap: never more than four for each item, or 64. */
  get weight(): number {
    return this.#heap.length;
  }

  /** How many items have a deadline. */
  get size(): number {
    return this.#due.size;
  }

  /** Sets or moves the deadline of an item, in milliseconds of any one clock. */
  set(item: T, atMs: number): void {
    const before = this.#due.get(item);
    this.#due.set(item, atMs);
    if (before !== undefined && atMs >= before) return;
    this.#push({ item, atMs });
    this.#shed();
  }

  /** Forgets an item; unknown ones are no mistake. */
  delete(item: T): void {
    this.#due.delete(item);
    this.#shed();
  }

  /** When an item is due, or `undefined` if it has no deadline. */
  of(item: T): number | undefined {
    return this.#due.get(item);
  }

  /** The earliest moment, or `undefined` when there is none. */
  get next(): number | undefined {
    this.#settleTop();
    return this.#heap[0]?.atMs;
  }

  /** Takes out one item that is due at `nowMs`, the earliest first; `undefined` when none is. */
  take(nowMs: number): T | undefined {
    this.#settleTop();
    const top = this.#heap[0];
    if (top === undefined || top.atMs > nowMs) return undefined;
    this.#pop();
    this.#due.delete(top.item);
    return top.item;
  }

  /** Drops entries of forgotten items and moves re-armed ones to their place, until the top is true. */
  #settleTop(): void {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      const due = this.#due.get(top.item);
      if (due === top.atMs) return;
      this.#pop();
      if (due !== undefined && due > top.atMs) this.#push({ item: top.item, atMs: due });
    }
  }

  /** Keeps the heap within four entries an item, whoever moves deadlines to and fro or forgets items. */
  #shed(): void {
    if (this.#heap.length <= 64 || this.#heap.length <= 4 * this.#due.size) return;
    this.#heap.length = 0;
    for (const [item, atMs] of this.#due) this.#push({ item, atMs });
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.atMs <= entry.atMs) break;
      heap[at] = above;
      heap[parent] = entry;
      at = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = left;
      if ((heap[right]?.atMs ?? Infinity) < (heap[left]?.atMs ?? Infinity)) least = right;
      const child = heap[least];
      if (child === undefined || child.atMs >= last.atMs) break;
      heap[at] = child;
      at = least;
    }
    heap[at] = last;
  }
}
