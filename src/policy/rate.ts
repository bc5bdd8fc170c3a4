import { mix, multipliers, TextHash } from "../lib/keyed-hash.ts";
import type { Instant } from "../lib/time.ts";
import type { IpAddress } from "../net/ip.ts";
import { type Bucket, Buckets, waitMs } from "./buckets.ts";

/** Replies to those who have proven nothing. */
export interface ReplyBudget {
  /** Whether one more reply may go to a source; counts it if so. */
  allows(source: IpAddress, nowMs: number): boolean;
}

/** How much of each second's worth a bucket holds: what a crowd that joins at once needs. */
const BURST_MS = 5000;
/** What a source's prefix may have for each that the source may. */
const PREFIX_SHARE = 10;
/** Sources and prefixes that are told apart at a time, and keys of a rate limit. */
const SOURCES = 65_536;
const KEYS = 16_384;

/**
 * The budget of replies to those who have proven nothing, for all threads: so many a second to an IPv4 address or an IPv6
 * /64, and ten times that to its /24 or /48, each with a burst of five seconds' worth.
 *
 * It holds for sources that a liar makes up, too: what a flood of them can do, and not do, to the others is said at
 * {@link Buckets}.
 */
export class SharedReplyBudget implements ReplyBudget {
  readonly #buckets: Buckets;
  readonly #multipliers: Int32Array;
  /** Replies a second to one source; 0 is no limit. May change at any time. */
  perSecond: number;

  static memory(): SharedArrayBuffer {
    return Buckets.memory(SOURCES);
  }

  /** @param hashKey random octets, 16 or more, the same on all threads */
  constructor(memory: SharedArrayBuffer, perSecond: number, hashKey: Uint8Array) {
    this.#buckets = new Buckets(memory);
    this.#multipliers = multipliers(hashKey, "reply budget");
    this.perSecond = perSecond;
  }

  allows(source: IpAddress, nowMs: number): boolean {
    if (this.perSecond === 0) return true;
    const ofSource = { costMs: 1000 / this.perSecond, holdsMs: BURST_MS };
    const ofPrefix = { costMs: ofSource.costMs / PREFIX_SHARE, holdsMs: BURST_MS };
    const [sourceOctets, prefixOctets] = source.family === 4 ? [4, 3] : [8, 6];
    const own = this.#find(source, sourceOctets);
    const shared = this.#find(source, prefixOctets);
    if (waitMs(own, ofSource, nowMs) > 0 || waitMs(shared, ofPrefix, nowMs) > 0) return false;
    this.#buckets.take(own, ofSource, nowMs);
    this.#buckets.take(shared, ofPrefix, nowMs);
    return true;
  }

  /** The bucket of an address's first octets, hashed twice with multipliers of their own. */
  #find({ family, octets }: IpAddress, length: number): Bucket {
    const by = this.#multipliers;
    const kind = 16 * family + length;
    let place = Math.imul(by[0] ?? 0, kind);
    let tag = Math.imul(by[1] ?? 0, kind);
    for (let i = 0; i < length; i += 2) {
      const piece = ((octets[i] ?? 0) << 8) | (i + 1 < length ? (octets[i + 1] ?? 0) : 0);
      place += Math.imul(by[2 + i] ?? 0, piece);
      tag += Math.imul(by[3 + i] ?? 0, piece);
    }
    return this.#buckets.find(mix(place | 0), mix(tag | 0));
  }
}

/** So many per key and minute. */
export interface RateLimit {
  /** @returns 0 if it was taken, else the whole seconds until the next will be there; nothing is taken then */
  take(key: string, now: Instant): number;
}

/** A rate limit for all threads: a minute's worth at once, then as they come back, evenly. */
export class SharedRateLimit implements RateLimit {
  readonly #buckets: Buckets;
  readonly #hash: TextHash;
  /** 0 is no limit. May change at any time. */
  perMinute: number;

  static memory(): SharedArrayBuffer {
    return Buckets.memory(KEYS);
  }

  /** @param hashKey random octets, 16 or more, the same on all threads */
  constructor(memory: SharedArrayBuffer, perMinute: number, hashKey: Uint8Array) {
    this.#buckets = new Buckets(memory);
    this.#hash = TextHash.derive(hashKey, "rate limit");
    this.perMinute = perMinute;
  }

  take(key: string, { monotonicMs }: Instant): number {
    if (this.perMinute === 0) return 0;
    const rate = { costMs: 60_000 / this.perMinute, holdsMs: 60_000 };
    const bucket = this.#buckets.find(...this.#hash.of(key));
    const wait = waitMs(bucket, rate, monotonicMs);
    if (wait > 0) return Math.ceil(wait / 1000);
    this.#buckets.take(bucket, rate, monotonicMs);
    return 0;
  }
}
