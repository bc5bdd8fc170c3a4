import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { take } from "../../src/lib/meter.ts";

test("a bucket gives its burst, then the rate, and says how long to wait", () => {
  const state = { tokens: 10, atMs: 0 };
  assert.equal(take(state, 0, 10, 4, 10), 0);
  assert.equal(take(state, 0, 1, 4, 10), 250);
  assert.equal(take(state, 125, 1, 4, 10), 125);
  assert.equal(take(state, 250, 1, 4, 10), 0);
  assert.equal(take(state, 100_000, 11, 4, 10), 250, "it never holds more than its burst");
});

test("time that stands still or goes back gives nothing", () => {
  const state = { tokens: 0, atMs: 1000 };
  assert.equal(take(state, 1000, 1, 1000, 10), 1);
  assert.equal(take(state, 500, 1, 1000, 10), 1);
});

test("never gives more than burst and rate, and gives after the wait it names", () => {
  const step = fc.record({ afterMs: fc.nat({ max: 500 }), count: fc.integer({ min: 1, max: 20 }) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const state = { tokens: 20, atMs: 0 };
      let nowMs = 0;
      let taken = 0;
      for (const { afterMs, count } of steps) {
        nowMs += afterMs;
        const wait = take(state, nowMs, count, 30, 20);
        if (wait > 0) assert.equal(take({ ...state }, nowMs + wait, count, 30, 20), 0);
        else taken += count;
        assert.ok(taken <= 20 + (30 * nowMs) / 1000 + 1e-6);
      }
    }),
  );
});
