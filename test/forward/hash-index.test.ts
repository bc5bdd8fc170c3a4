import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HashIndex, NONE, OTHER } from "../../src/forward/hash-index.ts";

/** Few hashes, near each other and at both ends of the table, so that runs are long and wrap around. */
const hash = fc.constantFrom(0, 1, 2, 126, 127, 128, 255, -1, 0x7fffffff);
const step = fc.record({ insert: fc.boolean(), hash, number: fc.integer({ min: 0, max: 300 }) });

/** Goal: nothing is lost or found twice, wherever gaps are closed. Method: a set of pairs beside it. */
test("finds exactly what was inserted and not deleted", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const index = new HashIndex();
      const model = new Map<number, Set<number>>();
      for (const next of steps) {
        const numbers = model.get(next.hash) ?? new Set();
        model.set(next.hash, numbers);
        if (!next.insert) {
          index.delete(next.hash, next.number);
          numbers.delete(next.number);
        } else if (!numbers.has(next.number)) {
          index.insert(next.hash, next.number);
          numbers.add(next.number);
        }
      }
      let size = 0;
      for (const [hash, numbers] of model) {
        assert.deepEqual(all(index, hash).sort(), [...numbers].sort());
        size += numbers.size;
      }
      assert.equal(index.size, size);
    }),
    { numRuns: 200 },
  );
});

function all(index: HashIndex, hash: number): number[] {
  const found: number[] = [];
  for (let slot = index.first(hash); ; slot = index.next(slot)) {
    const number = index.at(slot, hash);
    if (number === NONE) return found;
    if (number !== OTHER) found.push(number);
  }
}
