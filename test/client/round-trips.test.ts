import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RoundTrips } from "../../src/client/round-trips.ts";

/** Whether a time is another, to one in a hundred. */
function near(time: number | undefined, expected: number): void {
  assert.ok(time !== undefined && Math.abs(time / expected - 1) <= 0.01, `${time} ms, where ${expected} were expected`);
}

describe("round-trip times", () => {
  test("of none there is nothing to say", () => assert.equal(new RoundTrips().times, undefined));

  test("percentiles are true to one in a hundred, the longest is exact", () => {
    const trips = new RoundTrips();
    for (let ms = 1; ms <= 1000; ms++) trips.add(ms);
    const { p50, p90, p99, max } = trips.times ?? {};
    near(p50, 500);
    near(p90, 900);
    near(p99, 990);
    assert.equal(max, 1000);
  });

  test("one time is every percentile, whatever it is", () => {
    for (const ms of [0, 0.0004, 0.25, 3, 5_000_000]) {
      const trips = new RoundTrips();
      trips.add(ms);
      const { p50 = -1, p99 = -1, max } = trips.times ?? {};
      assert.equal(max, ms);
      assert.ok(p50 <= ms && p99 <= ms);
    }
  });

  test("those of two are those of both", () => {
    const [few, many] = [new RoundTrips(), new RoundTrips()];
    few.add(100);
    for (let i = 0; i < 99; i++) many.add(1);
    many.addAll(few);
    near(many.times?.p90, 1);
    assert.equal(many.times?.max, 100);
  });
});
