import { type Libc, PR_SET_TIMERSLACK } from "../libc.ts";

/** So many datagrams a millisecond are dense: then two or three come in the time of a pause. */
const DENSE_PER_MS = 50;
/** Less than anybody hears or sees, even twice on a way. */
const PAUSE_MICROSECONDS = 50;
/** A turn with so many had enough to do. */
const FULL_TURN = 32;
/** The system may end a pause so much later, in nanoseconds; it would like 50,000. */
const TIMER_SLACK = 1_000;

/**
 * Lets datagrams gather where they come densely: to fall asleep and be woken for each few of them costs more than to move
 * them. Network cards do the same with their interrupts.
 */
export class Moderation {
  readonly #libc: Libc;
  readonly #nowMs: () => number;
  #dense = false;
  #count = 0;
  #sinceMs: number;

  /** Makes short sleeps of the calling thread exact. */
  constructor(libc: Libc, nowMs: () => number = () => performance.now()) {
    this.#libc = libc;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
    libc.prctl(PR_SET_TIMERSLACK, TIMER_SLACK);
  }

  /** After a turn with so many datagrams, before the wait for more: pauses for a moment if they are dense just now. */
  afterTurn(datagrams: number): void {
    this.#count += datagrams;
    if (this.#count >= DENSE_PER_MS) {
      const now = this.#nowMs();
      this.#dense = this.#count >= DENSE_PER_MS * (now - this.#sinceMs);
      this.#count = 0;
      this.#sinceMs = now;
    }
    if (this.#dense && datagrams < FULL_TURN) this.#libc.usleep(PAUSE_MICROSECONDS);
  }
}
