import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { randomFrom } from "../../src/lib/random.ts";

describe("Random", () => {
  test("below() stays below, and reaches every number", () => {
    let next = 0;
    const random = randomFrom((count) => Uint8Array.from({ length: count }, () => (next = (next * 97 + 41) & 0xff)));
    const seen = new Set(Array.from({ length: 1000 }, () => random.below(7)));
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
    assert.equal(randomFrom((count) => new Uint8Array(count).fill(255)).below(2 ** 48), 2 ** 48 - 1);
  });
});
