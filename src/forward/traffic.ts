import { assert } from "../lib/assert.ts";
import type { TrafficSlot } from "./route.ts";

/** What an allocation has carried: payload octets as the peer sees them. */
export interface TrafficTotals {
  readonly octetsToPeer: number;
  readonly octetsToClient: number;
  readonly packetsToPeer: number;
  readonly packetsToClient: number;
  /** Beyond the bandwidth limit. */
  readonly dropped: number;
}

/** Counts and limits what each allocation carries. */
export interface Traffic {
  /**
   * A fresh slot, all zero; `undefined` if there is none left.
   *
   * @param spentMs begins without a burst at this moment, for an allocation that has had its own elsewhere
   */
  open(spentMs?: number): TrafficSlot | undefined;
  /** Gives a slot back; its totals are read before. */
  close(slot: TrafficSlot): void;
  /** Counts one datagram; false if the bandwidth limit says it must be dropped (and counts that). */
  chargeToPeer(slot: TrafficSlot, octets: number, nowMs: number): boolean;
  chargeToClient(slot: TrafficSlot, octets: number, nowMs: number): boolean;
  totals(slot: TrafficSlot): TrafficTotals;
}

/** One cache line of doubles a slot. */
const DOUBLES = 8;
const OCTETS_TO_PEER = 0;
const OCTETS_TO_CLIENT = 1;
const PACKETS_TO_PEER = 2;
const PACKETS_TO_CLIENT = 3;
const DROPPED = 4;

/** The low bits of a slot's state word; above them a number that counts its uses. */
const FREE = 0;
const LIVE = 1;
const ENDED = 2;
const STATE_BITS = 2;
const STATE_MASK = 3;

/** What a bucket holds, in seconds of its limit: little enough that no second carries 5 % more than the limit says. */
const BURST_SECONDS = 0.03;

/** How many ended slots are asked whether they have been settled, before there is "none left". */
const SETTLED_LOOKS = 16;

/** The slots of one thread. */
export interface SlotRange {
  readonly first: number;
  readonly count: number;
}

/** Where a slot is in its life. */
export type SlotState = "free" | "live" | "ended";

/** How one thread's slots behave. */
export interface SharedTrafficOptions {
  /** `limits.bandwidth_per_allocation`, in each direction; 0 is no limit. */
  readonly bytesPerSecond: number;
  /** Whether a closed slot is free at once, because nobody reads its last totals from outside. */
  readonly selfSettling?: boolean;
}

/** Reads the slots of all threads, and frees those that have ended: for the thread that accounts for them. */
export class TrafficReader {
  readonly #doubles: Float64Array;
  readonly #states: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    [this.#doubles, this.#states] = views(memory);
  }

  /** How many slots there are, of all threads. */
  get slots(): number {
    return this.#states.length;
  }

  /** What a slot has carried since it was opened; after its end the last word on it, until {@link settle}. */
  totals(slot: TrafficSlot): TrafficTotals {
    const at = slot * DOUBLES;
    return {
      octetsToPeer: this.#doubles[at + OCTETS_TO_PEER] ?? 0,
      octetsToClient: this.#doubles[at + OCTETS_TO_CLIENT] ?? 0,
      packetsToPeer: this.#doubles[at + PACKETS_TO_PEER] ?? 0,
      packetsToClient: this.#doubles[at + PACKETS_TO_CLIENT] ?? 0,
      dropped: this.#doubles[at + DROPPED] ?? 0,
    };
  }

  /** Where a slot is in its life: an ended one waits for {@link settle}. */
  state(slot: TrafficSlot): SlotState {
    const state = Atomics.load(this.#states, slot) & STATE_MASK;
    return state === LIVE ? "live" : state === ENDED ? "ended" : "free";
  }

  /** How often a slot has been opened: totals of two generations belong to two allocations. */
  generation(slot: TrafficSlot): number {
    return Atomics.load(this.#states, slot) >>> STATE_BITS;
  }

  /** Frees an ended slot whose totals have been read; false, and nothing done, for any other. */
  settle(slot: TrafficSlot): boolean {
    const word = Atomics.load(this.#states, slot);
    if ((word & STATE_MASK) !== ENDED) return false;
    return Atomics.compareExchange(this.#states, slot, word, (word & ~STATE_MASK) | FREE) === word;
  }
}

/**
 * Traffic in shared memory: each thread writes its own range of slots, and another reads them all.
 *
 * A slot goes from free to live, to ended, and is free again when the reader has settled it, so that nothing carried
 * in an allocation's last second is lost. Buckets of the bandwidth limit are the thread's own; a changed limit is for
 * slots opened after it.
 */
export class SharedTraffic implements Traffic {
  readonly #doubles: Float64Array;
  readonly #states: Int32Array;
  readonly #reader: TrafficReader;
  readonly #first: number;
  readonly #selfSettling: boolean;
  readonly #free: TrafficSlot[];
  readonly #ended: TrafficSlot[] = [];
  /** For each slot of ours: octets per second; then for each direction, tokens and when they were counted. */
  readonly #limits: Float64Array;
  readonly #tokens: Float64Array;
  readonly #countedAt: Float64Array;
  /** What slots opened from now on are held to; 0 is no limit. */
  bytesPerSecond: number;

  /** Memory for a number of slots, all free. */
  static memory(slots: number): SharedArrayBuffer {
    return new SharedArrayBuffer(slots * (8 * DOUBLES + 4));
  }

  constructor(memory: SharedArrayBuffer, { first, count }: SlotRange, options: SharedTrafficOptions) {
    [this.#doubles, this.#states] = views(memory);
    this.#reader = new TrafficReader(memory);
    this.#first = first;
    this.#selfSettling = options.selfSettling ?? false;
    this.#free = Array.from({ length: count }, (_, i) => first + count - 1 - i);
    this.#limits = new Float64Array(count);
    this.#tokens = new Float64Array(2 * count);
    this.#countedAt = new Float64Array(2 * count);
    this.bytesPerSecond = options.bytesPerSecond;
  }

  open(spentMs?: number): TrafficSlot | undefined {
    const slot = this.#free.pop() ?? this.#settled();
    if (slot === undefined) return undefined;
    this.#doubles.fill(0, slot * DOUBLES, (slot + 1) * DOUBLES);
    const own = slot - this.#first;
    this.#limits[own] = this.bytesPerSecond;
    this.#tokens.fill(spentMs === undefined ? burstOf(this.bytesPerSecond) : 0, 2 * own, 2 * own + 2);
    this.#countedAt.fill(spentMs ?? 0, 2 * own, 2 * own + 2);
    const generation = this.#reader.generation(slot) + 1;
    Atomics.store(this.#states, slot, (generation << STATE_BITS) | LIVE);
    return slot;
  }

  close(slot: TrafficSlot): void {
    const word = Atomics.load(this.#states, slot);
    assert((word & STATE_MASK) === LIVE, "only a live slot is closed");
    Atomics.store(this.#states, slot, (word & ~STATE_MASK) | (this.#selfSettling ? FREE : ENDED));
    if (this.#selfSettling) this.#free.push(slot);
    else this.#ended.push(slot);
  }

  chargeToPeer(slot: TrafficSlot, octets: number, nowMs: number): boolean {
    return this.#passes(slot, 0, octets, nowMs) && this.#count(slot, OCTETS_TO_PEER, PACKETS_TO_PEER, octets);
  }

  chargeToClient(slot: TrafficSlot, octets: number, nowMs: number): boolean {
    return this.#passes(slot, 1, octets, nowMs) && this.#count(slot, OCTETS_TO_CLIENT, PACKETS_TO_CLIENT, octets);
  }

  totals(slot: TrafficSlot): TrafficTotals {
    return this.#reader.totals(slot);
  }

  #count(slot: TrafficSlot, octetsWord: number, packetsWord: number, octets: number): true {
    const at = slot * DOUBLES;
    this.#doubles[at + octetsWord] = (this.#doubles[at + octetsWord] ?? 0) + octets;
    this.#doubles[at + packetsWord] = (this.#doubles[at + packetsWord] ?? 0) + 1;
    return true;
  }

  /** Whether the bandwidth limit lets a datagram pass; counts it as dropped if not. */
  #passes(slot: TrafficSlot, direction: 0 | 1, octets: number, nowMs: number): boolean {
    const own = slot - this.#first;
    const perSecond = this.#limits[own] ?? 0;
    if (perSecond === 0) return true;
    const at = 2 * own + direction;
    const elapsedMs = Math.max(0, nowMs - (this.#countedAt[at] ?? 0));
    const tokens = Math.min(burstOf(perSecond), (this.#tokens[at] ?? 0) + (elapsedMs * perSecond) / 1000);
    this.#countedAt[at] = nowMs;
    // The last one may be longer than what is left, and is paid for later: a low limit lets long datagrams pass too.
    const passes = tokens > 0;
    this.#tokens[at] = passes ? tokens - octets : tokens;
    if (!passes) this.#doubles[slot * DOUBLES + DROPPED] = (this.#doubles[slot * DOUBLES + DROPPED] ?? 0) + 1;
    return passes;
  }

  /** A slot that has ended and been settled since; the reader settles all that have ended, so few looks are enough. */
  #settled(): TrafficSlot | undefined {
    for (let looks = Math.min(SETTLED_LOOKS, this.#ended.length); looks > 0; looks--) {
      const slot = this.#ended.shift();
      if (slot === undefined) return undefined;
      if (this.#reader.state(slot) === "free") return slot;
      this.#ended.push(slot);
    }
    return undefined;
  }
}

function views(memory: SharedArrayBuffer): [doubles: Float64Array, states: Int32Array] {
  const slots = memory.byteLength / (8 * DOUBLES + 4);
  return [new Float64Array(memory, 0, slots * DOUBLES), new Int32Array(memory, slots * 8 * DOUBLES, slots)];
}

function burstOf(bytesPerSecond: number): number {
  return BURST_SECONDS * bytesPerSecond;
}
