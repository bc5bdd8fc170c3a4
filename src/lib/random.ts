import { copyOf, readUint16, readUint32 } from "./bytes.ts";

const STOCK_BYTES = 1024;

/** The one interface through which chance enters. */
export interface Random {
  /** Fresh octets that nobody can guess. */
  bytes(count: number): Uint8Array;
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
}

/** Octets that make a number. */
const NUMBER_BYTES = 6;

/** Chance from a source of octets: `node:crypto` in the product, a seeded generator in tests. */
export function randomFrom(source: (count: number) => Uint8Array): Random {
  return { bytes: source, below: (limit) => numberIn(source(NUMBER_BYTES), 0) % limit };
}

/**
 * Chance that is drawn by the thousand octets, for asking the system costs more than most of what it is for. None is
 * given out twice.
 */
export class StockedRandom implements Random {
  readonly #source: (count: number) => Uint8Array;
  #stock: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(source: (count: number) => Uint8Array) {
    this.#source = source;
  }

  bytes(count: number): Uint8Array {
    if (count > STOCK_BYTES) return new Uint8Array(this.#source(count));
    const at = this.#take(count);
    return copyOf(this.#stock, at, at + count);
  }

  below(limit: number): number {
    const at = this.#take(NUMBER_BYTES);
    return numberIn(this.#stock, at) % limit;
  }

  /** Where in the stock so many octets begin that are the caller's. */
  #take(count: number): number {
    if (this.#used + count > this.#stock.length) {
      this.#stock = new Uint8Array(this.#source(STOCK_BYTES));
      this.#used = 0;
    }
    this.#used += count;
    return this.#used - count;
  }
}

/** 48 bits: so many more than any limit has that no number is likelier by anything that counts. */
function numberIn(octets: Uint8Array, at: number): number {
  return readUint16(octets, at) * 2 ** 32 + readUint32(octets, at + 2);
}
