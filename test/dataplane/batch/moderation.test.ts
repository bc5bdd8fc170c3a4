import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Moderation } from "../../../src/dataplane/batch/moderation.ts";
import { openLibc } from "../../../src/dataplane/libc.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";

const real = openLibc(await openRuntime());

/** How long it pauses, in microseconds, after each of 1000 turns, so many milliseconds apart and with so many datagrams each; 0: not at all. */
function pausesWith(datagrams: number, everyMs: number): number[] {
  const pauses: number[] = [];
  const libc = { ...real, usleep: (microseconds: number) => pauses.push((pauses.pop() ?? 0) + microseconds) };
  let now = 0;
  const moderation = new Moderation(libc, () => now);
  for (let i = 0; i < 1000; i++) {
    now += everyMs;
    pauses.push(0);
    moderation.afterTurn(datagrams);
  }
  return pauses;
}

const never = Array.from({ length: 1000 }, () => 0);
/** When it has seen how densely they come. */
const settled = (pauses: readonly number[]): number[] => [...new Set(pauses.slice(100))];

describe("moderation", () => {
  test("few datagrams are never kept waiting", () => {
    assert.deepEqual(pausesWith(1, 0.025), never); // 40 a millisecond
    assert.deepEqual(pausesWith(1, 20), never);
    assert.deepEqual(pausesWith(20, 1), never);
  });

  test("where a hundred come in a millisecond, a few at a time, they gather for a sixth of it at most", () => {
    assert.deepEqual(settled(pausesWith(2, 0.02)), [150]);
  });

  test("the more come, the shorter they wait: no more gather than sockets hold", () => {
    assert.deepEqual(settled(pausesWith(16, 0.03125)), [125]); // 512 a millisecond: 64 of them
  });

  test("a turn that had enough to do is followed by the next at once", () => {
    assert.deepEqual(pausesWith(64, 0.1), never);
  });

  test("when they come no longer so densely, they wait no longer", () => {
    let [now, pauses] = [0, 0];
    const moderation = new Moderation({ ...real, usleep: () => ++pauses }, () => now);
    const run = (turns: number, datagrams: number, everyMs: number): number => {
      pauses = 0;
      for (let i = 0; i < turns; i++) {
        now += everyMs;
        moderation.afterTurn(datagrams);
      }
      return pauses;
    };
    assert.ok(run(1000, 2, 0.02) > 900);
    run(60, 1, 10);
    assert.equal(run(1000, 1, 10), 0);
  });
});
