import type { Instant } from "../lib/time.ts";
import { DEFAULT_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS } from "./settings.ts";

/** How long an allocation may go on. */
export interface Grant {
  /** What LIFETIME says. */
  readonly seconds: number;
  /** The same on the monotonic clock. */
  readonly untilMs: number;
}

/**
 * The time to expiry of RFC 8656 §7.2: what was asked for, within our limits, and never beyond the allocation's own end.
 *
 * @param asked LIFETIME in seconds, if there was one
 * @param endsAtMs when the allocation ends whatever is asked; monotonic milliseconds
 */
export function grant(asked: number | undefined, endsAtMs: number, now: Instant): Grant {
  const seconds = Math.max(DEFAULT_LIFETIME_SECONDS, Math.min(MAX_LIFETIME_SECONDS, asked ?? 0));
  const untilMs = now.monotonicMs + seconds * 1000;
  if (untilMs <= endsAtMs) return { seconds, untilMs };
  return { seconds: Math.max(0, Math.floor((endsAtMs - now.monotonicMs) / 1000)), untilMs: endsAtMs };
}
