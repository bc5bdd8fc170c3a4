import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { randomFrom, StockedRandom } from "../../src/lib/random.ts";

describe("Random", () => {
  test("below() stays below, and reaches every number", () => {
    let next = 0;
    const random = randomFrom((count) => Uint8Array.from({ length: count }, () => (next = (next * 97 + 41) & 0xff)));
    const seen = new Set(Array.from({ length: 1000 }, () => random.below(7)));
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
    assert.equal(randomFrom((count) => new Uint8Array(count).fill(255)).below(2 ** 48), 2 ** 48 - 1);
  });
});

describe("StockedRandom", () => {
  test("gives out what it draws, none of it twice, and much at once without a stock", () => {
    let next = 0;
    const asked: number[] = [];
    const random = new StockedRandom((count) => {
      asked.push(count);
      return Uint8Array.from({ length: count }, () => next++ >> 4);
    });
    const drawn = Array.from({ length: 200 }, () => random.bytes(16));
    assert.deepEqual(new Set(drawn.map((octets) => octets[0])).size, 200);
    assert.ok(drawn.every((octets) => octets.length === 16 && new Set(octets).size === 1));
    assert.equal(random.bytes(5000).length, 5000);
    assert.deepEqual(asked, [1024, 1024, 1024, 1024, 5000]);
  });

  test("draws numbers from the same octets as Random does", () => {
    const counting = (): ((count: number) => Uint8Array) => {
      let next = 0;
      return (count) => Uint8Array.from({ length: count }, () => (next = (next * 97 + 41) & 0xff));
    };
    const [plain, stocked] = [randomFrom(counting()), new StockedRandom(counting())];
    for (let i = 0; i < 100; i++) assert.equal(stocked.below(1_000_003), plain.below(1_000_003));
  });
});
