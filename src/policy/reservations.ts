import { readInt32 } from "../lib/bytes.ts";

/** How many ports can wait for their token at a time. */
const ENTRIES = 4096;
/** How far from its place a token is looked for. */
const REACH = 64;
/** RFC 8656 §7.2: 30 seconds at least. */
const LIFETIME_TENTHS = 300;

/** Words of an entry. */
const STATE = 0;
const TOKEN = 1;
const ADDRESS = 3;
const PORT = 4;
const DESCRIPTOR = 5;
const EXPIRY = 6;
const WORDS = 8;

/** The low bits of an entry's state; above them a number that grows with each use, so that no one mistakes one use for another. */
const EMPTY = 0;
const BUSY = 1;
const HELD = 2;
const STATE_MASK = 3;
const NEXT_USE = 4;

/** The octets of {@link Reservations} in shared memory. */
export const RESERVATION_BYTES = ENTRIES * WORDS * 4;

/** A bound port that waits for its token. */
export interface ReservedPort {
  readonly address: number;
  readonly port: number;
  /** The socket that is bound to it; descriptors belong to the process, not to a thread. */
  readonly descriptor: number;
}

/**
 * Ports that wait for a RESERVATION-TOKEN, for all threads (RFC 8656 §7.2, §18.10).
 *
 * A token's place follows from the token, which is random. An entry is written and read only while its state says that
 * it is busy, and only one thread can bring it there.
 */
export class Reservations {
  readonly #words: Int32Array;

  /** @param memory its first {@link RESERVATION_BYTES}, zero at first */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, ENTRIES * WORDS);
  }

  /** Keeps a port; false if there is no room near the token's place. */
  hold(token: Uint8Array, { address, port, descriptor }: ReservedPort, nowMs: number): boolean {
    const words = this.#words;
    for (let i = 0; i < REACH; i++) {
      const at = placeOf(token, i);
      const state = Atomics.load(words, at + STATE);
      if ((state & STATE_MASK) !== EMPTY || !this.#become(at, state, BUSY)) continue;
      words[at + TOKEN] = readInt32(token, 0);
      words[at + TOKEN + 1] = readInt32(token, 4);
      words[at + ADDRESS] = address;
      words[at + PORT] = port;
      words[at + DESCRIPTOR] = descriptor;
      words[at + EXPIRY] = tenths(nowMs) + LIFETIME_TENTHS;
      Atomics.store(words, at + STATE, withState(state, HELD));
      return true;
    }
    return false;
  }

  /**
   * Takes a port out; of several who try at once one gets it.
   *
   * @param nowMs leaves an entry whose time is over where it is; `undefined` takes that too
   */
  take(token: Uint8Array, nowMs: number | undefined): ReservedPort | undefined {
    const words = this.#words;
    for (let i = 0; i < REACH; i++) {
      const at = placeOf(token, i);
      const state = Atomics.load(words, at + STATE);
      if ((state & STATE_MASK) !== HELD) continue;
      if (words[at + TOKEN] !== readInt32(token, 0) || words[at + TOKEN + 1] !== readInt32(token, 4)) continue;
      if (nowMs !== undefined && tenths(nowMs) >= (words[at + EXPIRY] ?? 0)) return undefined;
      if (!this.#become(at, state, BUSY)) return undefined;
      const reserved = {
        address: words[at + ADDRESS] ?? 0,
        port: words[at + PORT] ?? 0,
        descriptor: words[at + DESCRIPTOR] ?? 0,
      };
      Atomics.store(words, at + STATE, withState(state, EMPTY) + NEXT_USE);
      return reserved;
    }
    return undefined;
  }

  #become(at: number, before: number, state: number): boolean {
    return Atomics.compareExchange(this.#words, at + STATE, before, withState(before, state)) === before;
  }
}

function withState(word: number, state: number): number {
  return (word & ~STATE_MASK) | state;
}

function placeOf(token: Uint8Array, i: number): number {
  return (((readInt32(token, 0) + i) & (ENTRIES - 1)) * WORDS) | 0;
}

function tenths(nowMs: number): number {
  return Math.floor(nowMs / 100);
}
