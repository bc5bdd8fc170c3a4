import assert from "node:assert/strict";
import { test } from "node:test";
import { type Doings, Housekeeping } from "../../src/threads/housekeeping.ts";

const nothing: Doings = { thoughts: 0, ended: 0, live: 0, accepted: 0, open: 0 };

test("the young are collected every 1,024 thoughts, and no sooner", () => {
  const { collected, housekeeping } = kept();
  for (let thoughts = 0; thoughts <= 10_000; thoughts++) housekeeping.after({ ...nothing, thoughts });
  assert.deepEqual(collected, new Array(9).fill("young"));
});

test("connections count as thoughts, and after 1,024 and as many as are open all is collected", () => {
  const { collected, housekeeping } = kept();
  for (let accepted = 0; accepted < 1124; accepted++) housekeeping.after({ ...nothing, accepted, open: 100 });
  assert.deepEqual(collected, new Array(8).fill("young"));
  housekeeping.after({ ...nothing, accepted: 1124, open: 100 });
  assert.deepEqual(collected.slice(8), ["all"]);
});

test("after 1,024 allocations have ended, and as many as live, all is collected", () => {
  const { collected, housekeeping } = kept();
  for (let ended = 0; ended <= 2 * 1124; ended++) housekeeping.after({ ...nothing, ended, live: 100 });
  assert.deepEqual(collected, ["all", "all"]);
});

test("a thread that comes to rest throws away what it owes, once, and only if it has thought much", () => {
  const { collected, housekeeping } = kept();
  housekeeping.after({ ...nothing, thoughts: 255 });
  assert.equal(housekeeping.restMs, Number.POSITIVE_INFINITY);
  housekeeping.rest();
  housekeeping.after({ ...nothing, thoughts: 256 });
  assert.equal(housekeeping.restMs, 1000);
  assert.deepEqual(collected, []);
  housekeeping.rest();
  assert.equal(housekeeping.restMs, Number.POSITIVE_INFINITY);
  housekeeping.rest();
  assert.deepEqual(collected, ["all"]);
});

function kept() {
  const collected: string[] = [];
  const collector = { collectYoung: () => void collected.push("young"), collectAll: () => void collected.push("all") };
  return { collected, housekeeping: new Housekeeping(collector) };
}
