import { type Libc, PR_SET_TIMERSLACK } from "../libc.ts";

/** So many datagrams a millisecond are dense: then seven or eight come in the longest pause. */
const DENSE_PER_MS = 50;
/** Less than anybody hears or sees, even twice on a way. */
const LONGEST_PAUSE_MICROSECONDS = 150;
/** A turn with so many had enough to do, and no more than so many are let gather: sockets hold few more. */
const FULL_TURN = 64;
/** The system may end a pause so much later, in nanoseconds; it would like 50,000. */
const TIMER_SLACK = 1_000;

/**
 * Lets datagrams gather where they come densely: to fall asleep and be woken for each few of them costs more than to move
 * them. Network cards do the same with their interrupts.
 */
export class Moderation {
  readonly #libc: Libc;
  readonly #nowMs: () => number;
  /** How long to pause after a turn, in microseconds; 0 where datagrams are not dense. */
  #pause = 0;
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
      const perMs = this.#count / (now - this.#sinceMs);
      this.#pause = perMs < DENSE_PER_MS ? 0 : Math.min(LONGEST_PAUSE_MICROSECONDS, Math.floor((1000 * FULL_TURN) / perMs));
      this.#count = 0;
      this.#sinceMs = now;
    }
    if (this.#pause > 0 && datagrams < FULL_TURN) this.#libc.usleep(this.#pause);
  }
}
