import type { Clock } from "../lib/time.ts";

/** A thread's clock, and its monotonic part as a bare number. */
export interface ThreadClock extends Clock {
  monotonicMs(): number;
}

/**
 * A clock that reads the same on every thread.
 *
 * @param processOrigin the main thread's `performance.timeOrigin`: a worker's own clock may count from the worker's start
 */
export function threadClock(processOrigin: number): ThreadClock {
  const offset = performance.timeOrigin - processOrigin;
  const monotonicMs = (): number => performance.now() + offset;
  return { monotonicMs, now: () => ({ monotonicMs: monotonicMs(), unixMs: Date.now() }) };
}
