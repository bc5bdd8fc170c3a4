/** One moment, on both clocks. */
export interface Instant {
  /** Milliseconds since the start of the process, the same on every thread; never goes back. */
  readonly monotonicMs: number;
  /** Milliseconds since 1970, as the host believes; may be set back. */
  readonly unixMs: number;
}

/** The one interface through which time enters. */
export interface Clock {
  now(): Instant;
}
