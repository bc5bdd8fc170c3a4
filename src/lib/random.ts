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
