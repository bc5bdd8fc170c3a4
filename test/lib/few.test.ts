import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Few } from "../../src/lib/few.ts";

const key = fc.integer({ min: 0, max: 3 });
const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key, value: fc.integer({ min: 0, max: 9 }) }),
  fc.record({ do: fc.constant("delete" as const), key }),
  fc.record({ do: fc.constant("clear" as const) }),
);

describe("Few", () => {
  test("is what a map is, with no entry, with one and with more", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const [few, map] = [new Few<number, number>(), new Map<number, number>()];
        for (const next of steps) {
          if (next.do === "set") for (const each of [few, map]) each.set(next.key, next.value);
          else if (next.do === "delete") for (const each of [few, map]) each.delete(next.key);
          else for (const each of [few, map]) each.clear();
          assert.equal(few.size, map.size);
          assert.deepEqual([...few.values()], [...map.values()]);
          assert.deepEqual([...few.entries()], [...map.entries()]);
          for (let k = 0; k <= 3; k++) assert.deepEqual([few.has(k), few.get(k)], [map.has(k), map.get(k)]);
        }
      }),
      { numRuns: 300 },
    );
  });

  for (const count of [1, 2, 5]) {
    test(`${count} can be deleted while they are walked through`, () => {
      const few = new Few<number, string>();
      for (let i = 0; i < count; i++) few.set(i, `${i}`);
      const seen: string[] = [];
      for (const value of few.values()) {
        seen.push(value);
        few.delete(Number(value));
      }
      assert.equal(seen.length, count);
      assert.equal(few.size, 0);
    });
  }
});
