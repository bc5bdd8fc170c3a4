/**
 * Stops on a broken invariant. For our own mistakes only: wrong bytes and wrong settings are ordinary values.
 *
 * @throws {Error} if the condition does not hold; nobody catches it
 */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${invariant}`);
}

/** The end of a `switch` that has named every case. */
export function unreachable(value: never): never {
  throw new Error(`Broken invariant: ${JSON.stringify(value)} is no case`);
}
