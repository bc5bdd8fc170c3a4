import { copyOf } from "./bytes.ts";

const STOCK_BYTES = 1024;

/** The one interface through which chance enters. */
export interface Random {
  /** Fresh octets that nobody can guess. */
  bytes(count: number): Uint8Array;
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
}

/** Chance from a source of octets: `node:crypto` in the product, a seeded generator in tests. */
export function randomFrom(source: (count: number) => Uint8Array): Random {
  return {
    bytes: source,
    below(limit) {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = source(6);
      return (a * 2 ** 40 + b * 2 ** 32 + c * 2 ** 24 + d * 2 ** 16 + e * 2 ** 8 + f) % limit;
    },
  };
}

/**
 * A source that draws from another by the thousand octets, for asking the system costs more than most of what they are for.
 * None is given out twice.
 */
export function stocked(source: (count: number) => Uint8Array): (count: number) => Uint8Array {
  let stock = new Uint8Array(0);
  let used = 0;
  return (count) => {
    if (count > STOCK_BYTES) return new Uint8Array(source(count));
    if (used + count > stock.length) {
      stock = new Uint8Array(source(STOCK_BYTES));
      used = 0;
    }
    used += count;
    return copyOf(stock, used - count, used);
  };
}
