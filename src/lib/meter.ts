/** What a token bucket remembers: two numbers, so that it can lie in any memory. */
export interface MeterState {
  /** Tokens left when it was last looked at. */
  tokens: number;
  /** When that was, in milliseconds. */
  atMs: number;
}

/**
 * Takes tokens from a bucket that refills at a steady rate.
 *
 * @param perSecond the rate; the caller treats 0 as "no limit" and does not ask
 * @param burst how many the bucket holds
 * @returns 0 if they were taken, else the milliseconds until they will be there; nothing is taken then
 */
export function take(state: MeterState, nowMs: number, count: number, perSecond: number, burst: number): number {
  const elapsed = Math.max(0, nowMs - state.atMs);
  const tokens = Math.min(burst, state.tokens + (elapsed * perSecond) / 1000);
  state.atMs = nowMs;
  if (tokens >= count) {
    state.tokens = tokens - count;
    return 0;
  }
  state.tokens = tokens;
  return Math.ceil(((count - tokens) * 1000) / perSecond);
}
