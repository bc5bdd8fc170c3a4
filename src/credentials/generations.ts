/**
 * A bounded cache in two generations: what is asked for stays, what is not asked for while as many others came goes.
 *
 * A flood of strange keys can push out only what was idle meanwhile, and a hit on a hot key costs one look-up.
 */
export class Generations<K, V> {
  readonly #limit: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** @param limit entries of one generation; twice that is the most it holds */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many entries it holds, at most twice the limit. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** What was kept under a key, or `undefined`. */
  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#old.delete(key);
      this.set(key, old);
    }
    return old;
  }

  /** Keeps a value, and forgets the older generation when the younger is full. */
  set(key: K, value: V): void {
    if (this.#young.size >= this.#limit && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
