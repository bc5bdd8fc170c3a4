import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { threadClock } from "../../src/threads/clock.ts";

// A worker's own clock may count from the worker's start. Method: two workers, started half a second apart, tell their
// monotonic time beside the wall clock; the differences between the two clocks must be the same on all threads.
test("two threads started 500 ms apart agree with main to 5 ms", async () => {
  const first = startOffset();
  await sleep(500);
  const [early, late] = await Promise.all([first, startOffset()]);
  const { monotonicMs, unixMs } = threadClock(performance.timeOrigin).now();
  for (const offset of [early, late])
    assert.ok(Math.abs(offset - (unixMs - monotonicMs)) < 5, `${offset} against ${unixMs - monotonicMs}`);
});

async function startOffset(): Promise<number> {
  const worker = new Worker(new URL("./support/clock-worker.ts", import.meta.url), { workerData: performance.timeOrigin });
  const [offset] = await once(worker, "message");
  await worker.terminate();
  return offset;
}
