/** What {@link HashIndex.at} says of a slot that ends the search, and of one that holds another hash. */
export const NONE = -1;
export const OTHER = -2;

const FIRST_SLOTS = 128;

/**
 * Numbers found by hash: open addressing with linear probing, never more than half full.
 *
 * The index knows hashes, not keys; whoever asks compares what it finds:
 *
 * ```ts
 * for (let slot = index.first(hash); ; slot = index.next(slot)) {
 *   const number = index.at(slot, hash);
 *   if (number === NONE) return NONE;
 *   if (number !== OTHER && isTheOne(number)) return number;
 * }
 * ```
 *
 * A slot keeps its hash, so that growing and closing gaps need no key, and a miss seldom costs a look at one.
 */
export class HashIndex {
  /** Two words a slot: the hash, and the number plus one (0: empty). */
  #slots = new Int32Array(2 * FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  #size = 0;

  /** How many numbers it holds. */
  get size(): number {
    return this.#size;
  }

  /** How many slots the slowest search walks: looks at all of them, for tests and for whoever wonders. */
  get longestSearch(): number {
    let longest = 0;
    let run = 0;
    for (let i = 0; i < 2 * this.#slots.length; i += 2) {
      run = this.#slots[(i + 1) % this.#slots.length] === 0 ? 0 : run + 1;
      if (run > longest) longest = run;
    }
    return longest;
  }

  /** The slot where a search for a hash begins. */
  first(hash: number): number {
    return hash & this.#mask;
  }

  /** The slot that follows. */
  next(slot: number): number {
    return (slot + 1) & this.#mask;
  }

  /** The number in a slot if it was put there under this hash, else {@link OTHER}, or {@link NONE} at the search's end. */
  at(slot: number, hash: number): number {
    const number = this.#slots[2 * slot + 1] ?? 0;
    return this.#slots[2 * slot] === hash || number === 0 ? number - 1 : OTHER;
  }

  /** Adds a number; one that is there already under this hash would be there twice. */
  insert(hash: number, number: number): void {
    if (2 * (this.#size + 1) > this.#mask) this.#grow();
    this.#put(hash, number + 1);
    this.#size++;
  }

  /** Removes a number and closes the gap; one that is not there is no mistake. */
  delete(hash: number, number: number): void {
    let slot = this.first(hash);
    for (; this.#slots[2 * slot] !== hash || this.#slots[2 * slot + 1] !== number + 1; slot = this.next(slot)) {
      if (this.#slots[2 * slot + 1] === 0) return;
    }
    this.#closeGap(slot);
    this.#size--;
  }

  /** Moves back whatever an empty slot would hide from its search. */
  #closeGap(empty: number): void {
    const slots = this.#slots;
    let gap = empty;
    for (let slot = this.next(gap); slots[2 * slot + 1] !== 0; slot = this.next(slot)) {
      const hash = slots[2 * slot] ?? 0;
      const wayFromHome = (slot - this.first(hash)) & this.#mask;
      const wayFromGap = (slot - gap) & this.#mask;
      if (wayFromHome < wayFromGap) continue;
      slots[2 * gap] = hash;
      slots[2 * gap + 1] = slots[2 * slot + 1] ?? 0;
      gap = slot;
    }
    slots[2 * gap] = 0;
    slots[2 * gap + 1] = 0;
  }

  #put(hash: number, value: number): void {
    let slot = this.first(hash);
    while (this.#slots[2 * slot + 1] !== 0) slot = this.next(slot);
    this.#slots[2 * slot] = hash;
    this.#slots[2 * slot + 1] = value;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(2 * before.length);
    this.#mask = before.length - 1;
    for (let at = 0; at < before.length; at += 2) {
      const value = before[at + 1] ?? 0;
      if (value !== 0) this.#put(before[at] ?? 0, value);
    }
  }
}
