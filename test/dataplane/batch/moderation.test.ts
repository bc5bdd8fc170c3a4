import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Moderation } from "../../../src/dataplane/batch/moderation.ts";
import { openLibc } from "../../../src/dataplane/libc.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";
import { FailingLibc } from "../../support/failing-libc.ts";

const real = openLibc(await openRuntime());

/** How often it pauses in 1000 turns, so many milliseconds apart and with so many datagrams each. */
function pausesWith(datagrams: number, everyMs: number): number {
  const failing = new FailingLibc(real);
  let now = 0;
  const moderation = new Moderation(failing.libc, () => now);
  failing.fail("usleep", 4, 1000); // a pause that is cut short is no harm, and the test need not wait
  for (let i = 0; i < 1000; i++) {
    now += everyMs;
    moderation.afterTurn(datagrams);
  }
  return failing.counts.get("usleep") ?? 0;
}

describe("moderation", () => {
  test("few datagrams are never kept waiting", () => {
    assert.equal(pausesWith(1, 0.025), 0); // 40 a millisecond
    assert.equal(pausesWith(1, 20), 0);
    assert.equal(pausesWith(20, 1), 0);
  });

  test("where a hundred come in a millisecond, a few at a time, they gather", () => {
    assert.ok(pausesWith(2, 0.02) > 900);
  });

  test("a turn that had enough to do is followed by the next at once", () => {
    assert.equal(pausesWith(64, 0.1), 0);
  });
});
