import assert from "node:assert/strict";
import { test } from "node:test";
import { Housekeeping } from "../../src/threads/housekeeping.ts";

test("the young are collected every 1,024 thoughts, and no sooner", () => {
  const { collected, housekeeping } = kept();
  for (let thoughts = 0; thoughts <= 10_000; thoughts++) housekeeping.after(thoughts);
  assert.deepEqual(collected, new Array(9).fill("young"));
});

test("connections count as thoughts, and after 1,024 and as many as are open all is collected", () => {
  const { collected, housekeeping } = kept();
  for (let accepted = 0; accepted < 1124; accepted++) housekeeping.after(0, { accepted, open: 100 });
  assert.deepEqual(collected, new Array(8).fill("young"));
  housekeeping.after(0, { accepted: 1124, open: 100 });
  assert.deepEqual(collected.slice(8), ["all"]);
});

function kept() {
  const collected: string[] = [];
  const collector = { collectYoung: () => void collected.push("young"), collectAll: () => void collected.push("all") };
  return { collected, housekeeping: new Housekeeping(collector) };
}
