import type { Random } from "../lib/random.ts";

const BYTES = 12;
const STOCK = 128;

/** Transaction ids for our indications (RFC 8489 §6): random, and drawn by the hundred, for one is needed for each packet. */
export class TransactionIds {
  readonly #random: Random;
  #stock = new Uint8Array(0);
  #used = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Uint8Array {
    if (this.#used + BYTES > this.#stock.length) {
      this.#stock = new Uint8Array(this.#random.bytes(BYTES * STOCK));
      this.#used = 0;
    }
    this.#used += BYTES;
    return this.#stock.subarray(this.#used - BYTES, this.#used);
  }
}
