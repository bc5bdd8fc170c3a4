/**
 * A map of mostly one entry, or none: those take no table of their own. Where there are more it is a `Map`, and does what one
 * does, but for walks: an entry that comes during one is not met.
 */
export class Few<K extends string | number, V extends string | number | boolean | object> {
  #key: K | undefined;
  #value: V | undefined;
  /** All entries, where there have been two. */
  #table: Map<K, V> | undefined;

  get size(): number {
    return this.#table?.size ?? (this.#value === undefined ? 0 : 1);
  }

  get(key: K): V | undefined {
    if (this.#table !== undefined) return this.#table.get(key);
    return this.#key === key ? this.#value : undefined;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): void {
    if (this.#table === undefined && (this.#value === undefined || this.#key === key)) {
      this.#key = key;
      this.#value = value;
      return;
    }
    this.#table ??= new Map(this.#one());
    this.#table.set(key, value);
  }

  delete(key: K): void {
    this.#table?.delete(key);
    if (this.#table === undefined && this.#key === key) this.clear();
  }

  clear(): void {
    this.#table = undefined;
    this.#key = undefined;
    this.#value = undefined;
  }

  /** In the order in which they came; entries may be deleted meanwhile. */
  values(): Iterable<V> {
    return this.#table?.values() ?? (this.#value === undefined ? [] : [this.#value]);
  }

  /** In the order in which they came. */
  entries(): Iterable<readonly [K, V]> {
    return this.#table ?? this.#one();
  }

  #one(): [K, V][] {
    return this.#key === undefined || this.#value === undefined ? [] : [[this.#key, this.#value]];
  }
}
