import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WallClock } from "../../src/gateway/wall-clock.ts";

const begun = { monotonicMs: 50, unixMs: 1_700_000_000_000 };

/** What is said at each look, a second apart, when the clock was set by so much before it. */
function said(...steps: readonly number[]): readonly (string | undefined)[] {
  const clock = new WallClock(begun);
  let { monotonicMs, unixMs } = begun;
  return steps.map((step) => {
    monotonicMs += 1000;
    unixMs += 1000 + step;
    return clock.look({ monotonicMs, unixMs });
  });
}

describe("the wall clock", () => {
  test("is told of when it was set, once for each time and each way", () => {
    const [still, back, after, forward, end] = said(0, -3_600_000, 0, 3_600_000, 0);
    assert.match(back ?? "", /set back by 3600 s/);
    assert.match(forward ?? "", /set forward by 3600 s/);
    assert.deepEqual([still, after, end], [undefined, undefined, undefined]);
  });

  test("that is kept right by small steps is not told of, however many", () => {
    assert.ok(said(...Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 4000 : 3000))).every((line) => line === undefined));
  });
});
