import type { Instant } from "../lib/time.ts";

/** Less is what a clock that is kept right is slewed or stepped by; milliseconds. */
const STEP_MS = 5_000;

/**
 * Notices that somebody has set the machine's clock. Nothing that lives is timed by it, but usernames carry the time
 * when they expire: whoever wonders about 401s shall find the reason.
 */
export class WallClock {
  #aheadMs: number;

  constructor(now: Instant) {
    this.#aheadMs = now.unixMs - now.monotonicMs;
  }

  /** @returns a sentence for the log if the clock was set since the last look */
  look(now: Instant): string | undefined {
    const aheadMs = now.unixMs - now.monotonicMs;
    const stepMs = aheadMs - this.#aheadMs;
    this.#aheadMs = aheadMs;
    if (Math.abs(stepMs) < STEP_MS) return undefined;
    const [way, effect] = stepMs < 0 ? ["back", "later"] : ["forward", "sooner"];
    const seconds = Math.round(Math.abs(stepMs) / 1000);
    return `The machine's clock was set ${way} by ${seconds} s: credentials minted before expire so much ${effect}; live allocations go on`;
  }
}
