/** What is given up under pressure, in this order, and gets no answer. Live allocations are not among it. */
export type Sheddable = "binding" | "challenge" | "allocation";

/** Whether there is more to do than can be done. */
export interface Pressure {
  /** Whether this must be left undone now. */
  sheds(what: Sheddable): boolean;
  /** Whether new allocations are refused, while there is time to say so. */
  readonly refuses: boolean;
}

/** A turn that takes in so many datagrams had them wait for it: at half load a turn finds one or two. */
const FULL_TURN = 64;
/** As many as wait in a listener's buffer before the kernel drops the next, be it a live client's. */
const QUEUE = 8192;
/** How long the past counts. */
const MEMORY_MS = 500;

/** From which share of a queue, done in full turns of late, something is given up. */
const LIMITS: Readonly<Record<Sheddable, number>> = { binding: 0.25, challenge: 0.5, allocation: 0.875 };
/** From which new allocations are refused: an answer takes less than a socket, and the client asks no more. */
const REFUSES = 0.75;

/**
 * The pressure on one thread: how many datagrams it has done of late in full turns, as a share of what a listener's
 * buffer holds.
 *
 * A thread that keeps up finds little waiting when it looks, or finds a full turn now and then where much comes and it let
 * that gather; one that falls behind finds a full turn each time. So each turn that is not full halves the pressure.
 * It is counted in datagrams, not in time: a crowd of a thousand that joins in one moment is
 * served by the slowest machine. What is given up counts for nothing and costs little, so that the thread catches up, and
 * the pressure settles where what is left can be done.
 */
export class TurnPressure implements Pressure {
  #level = 0;
  #lookedMs = 0;
  /** Given up in this turn. */
  #shed = 0;

  sheds(what: Sheddable): boolean {
    if (this.#level < LIMITS[what]) return false;
    this.#shed++;
    return true;
  }

  get refuses(): boolean {
    return this.#level >= REFUSES;
  }

  /** A turn has its first datagram: until now there was nothing to do. */
  turnBegins(nowMs: number): void {
    this.#fade(nowMs);
    this.#shed = 0;
  }

  /** A turn has done so many datagrams, what it gave up included. */
  turnEnds(datagrams: number, nowMs: () => number): void {
    if (datagrams < FULL_TURN) {
      this.#level /= 2;
      return;
    }
    this.#fade(nowMs());
    this.#level = Math.min(1, this.#level + (datagrams - this.#shed) / QUEUE);
  }

  #fade(nowMs: number): void {
    this.#level *= Math.max(0, 1 - Math.max(0, nowMs - this.#lookedMs) / MEMORY_MS);
    this.#lookedMs = nowMs;
  }
}
