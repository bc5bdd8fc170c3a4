import { assert } from "../lib/assert.ts";
import { TextHash } from "../lib/keyed-hash.ts";
import { type Counter, countersBeyond, countersOf, type Quota, type QuotaClaim, type QuotaLimits } from "./quota.ts";

/** Parts of the table, each under a lock of its own. */
const STRIPES = 64;
/** The fewest entries of a stripe, so that chance does not fill one while others are empty. */
const LEAST_ENTRIES = 64;
/** One lock to a cache line. */
const LOCK_WORDS = 16;
const LOCKS = STRIPES * LOCK_WORDS;

/** Words of an entry: two of the name's hash, and the count; an entry that counts 0 is empty. */
const WORDS = 4;
const COUNT = 2;

/** A counter as the table knows it. */
interface Place {
  readonly hash: readonly [number, number];
  readonly stripe: number;
  readonly limit: number;
}

/**
 * The counters of all threads in shared memory: quotas that hold wherever a client's packets arrive.
 *
 * Counters are known by 64 bits of a keyed hash of their name. A claim locks the stripes of its two or three
 * counters, in rising order, so that it is counted in all or in none; a lock is held for some hundred nanoseconds, and
 * taken for each allocation, never for a packet.
 */
export class SharedLedger implements Quota {
  readonly #words: Int32Array;
  readonly #entriesPerStripe: number;
  readonly #hash: TextHash;
  /** May change at any time, on each thread for itself; live allocations stay counted. */
  limits: QuotaLimits;

  /** @param entries how many counters there should be room for: three for each allocation at most */
  static memory(entries: number): SharedArrayBuffer {
    let perStripe = LEAST_ENTRIES;
    while (perStripe * STRIPES < 2 * entries) perStripe *= 2;
    return new SharedArrayBuffer(4 * (LOCKS + STRIPES * perStripe * WORDS));
  }

  /** @param hashKey random octets, the same on all threads: whoever does not know them cannot make two names meet */
  constructor(memory: SharedArrayBuffer, limits: QuotaLimits, hashKey: Uint8Array) {
    this.#words = new Int32Array(memory);
    this.#entriesPerStripe = (this.#words.length - LOCKS) / (STRIPES * WORDS);
    this.#hash = TextHash.derive(hashKey, "ledger");
    this.limits = limits;
  }

  reserve(claim: QuotaClaim): "reserved" | "quota" | "full" {
    return this.#reserve(countersOf(claim, this.limits));
  }

  release(claim: QuotaClaim): void {
    this.#release(countersOf(claim, this.limits));
  }

  reserveSecond(first: QuotaClaim, second: QuotaClaim): "reserved" | "quota" | "full" {
    return this.#reserve(countersBeyond(first, second, this.limits));
  }

  releaseSecond(leaves: QuotaClaim, stays: QuotaClaim): void {
    this.#release(countersBeyond(stays, leaves, this.limits));
  }

  #reserve(counters: readonly Counter[]): "reserved" | "quota" | "full" {
    const places = this.#placesOf(counters);
    return this.#locked(places, () => {
      if (places.some((place) => place.limit > 0 && this.#count(place) >= place.limit)) return "quota";
      const added = places.findIndex((place) => !this.#add(place));
      if (added === -1) return "reserved";
      for (const place of places.slice(0, added)) this.#subtract(place);
      return "full";
    });
  }

  #release(counters: readonly Counter[]): void {
    const places = this.#placesOf(counters);
    this.#locked(places, () => {
      for (const place of places) this.#subtract(place);
    });
  }

  /** How many counters are above zero: a metric, and what a test looks at. Exact only while nobody counts. */
  get size(): number {
    let size = 0;
    for (let at = LOCKS + COUNT; at < this.#words.length; at += WORDS) if (this.#words[at] !== 0) size++;
    return size;
  }

  /** In rising order of their stripes, so that no two threads wait for each other. */
  #placesOf(counters: readonly Counter[]): Place[] {
    const places: Place[] = [];
    for (const { name, limit } of counters) {
      const hash = this.#hash.of(name);
      const place = { hash, stripe: hash[1] & (STRIPES - 1), limit };
      let at = places.length;
      for (; at > 0; at--) {
        const before = places[at - 1];
        if (before === undefined || before.stripe <= place.stripe) break;
        places[at] = before;
      }
      places[at] = place;
    }
    return places;
  }

  /** Does something while it alone holds the stripes of all places, each of which it takes and gives back once. */
  #locked<T>(places: readonly Place[], act: () => T): T {
    let held = -1;
    for (const { stripe } of places) {
      if (stripe !== held) while (Atomics.compareExchange(this.#words, stripe * LOCK_WORDS, 0, 1) !== 0);
      held = stripe;
    }
    try {
      return act();
    } finally {
      let released = -1;
      for (const { stripe } of places) {
        if (stripe !== released) Atomics.store(this.#words, stripe * LOCK_WORDS, 0);
        released = stripe;
      }
    }
  }

  #count(place: Place): number {
    const at = this.#find(place);
    return at === undefined ? 0 : (this.#words[at + COUNT] ?? 0);
  }

  /** Counts one more; false if it is a new counter and its stripe is full. */
  #add(place: Place): boolean {
    const at = this.#find(place);
    if (at === undefined) return false;
    this.#words[at] = place.hash[0];
    this.#words[at + 1] = place.hash[1];
    this.#words[at + COUNT] = (this.#words[at + COUNT] ?? 0) + 1;
    return true;
  }

  #subtract(place: Place): void {
    const at = this.#find(place);
    const count = at === undefined ? 0 : (this.#words[at + COUNT] ?? 0);
    assert(at !== undefined && count > 0, "what is released was reserved");
    this.#words[at + COUNT] = count - 1;
    if (count === 1) this.#closeGap(place.stripe, at);
  }

  /** The entry of a counter, or the empty one where it would begin; `undefined` if it is in none and its stripe is full. */
  #find({ hash, stripe }: Place): number | undefined {
    const first = this.#homeOf(hash[0]);
    for (let i = 0; i < this.#entriesPerStripe; i++) {
      const at = this.#entry(stripe, first + i);
      if (this.#words[at + COUNT] === 0 || (this.#words[at] === hash[0] && this.#words[at + 1] === hash[1])) return at;
    }
    return undefined;
  }

  /** Moves back whatever an empty entry would hide from its search. */
  #closeGap(stripe: number, empty: number): void {
    const words = this.#words;
    const mask = this.#entriesPerStripe - 1;
    const begin = this.#entry(stripe, 0);
    let gap = (empty - begin) / WORDS;
    for (let i = 1; i < this.#entriesPerStripe; i++) {
      const slot = ((empty - begin) / WORDS + i) & mask;
      const at = this.#entry(stripe, slot);
      if (words[at + COUNT] === 0) return;
      const wayFromHome = (slot - this.#homeOf(words[at] ?? 0)) & mask;
      if (wayFromHome < ((slot - gap) & mask)) continue;
      words.copyWithin(this.#entry(stripe, gap), at, at + WORDS);
      words[at + COUNT] = 0;
      gap = slot;
    }
  }

  #homeOf(hash: number): number {
    return hash & (this.#entriesPerStripe - 1);
  }

  #entry(stripe: number, slot: number): number {
    const within = slot & (this.#entriesPerStripe - 1);
    return LOCKS + (stripe * this.#entriesPerStripe + within) * WORDS;
  }
}
