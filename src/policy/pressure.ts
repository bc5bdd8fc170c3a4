/** What is given up under pressure, in this order. Live allocations are not among it. */
export type Sheddable = "binding" | "challenge" | "allocation";

/** Whether there is more to do than can be done. */
export interface Pressure {
  /** Whether this must be left undone now. */
  sheds(what: Sheddable): boolean;
}

/** A turn that takes in so many datagrams had them wait for it: at half load a turn finds one or two. */
const FULL_TURN = 64;
/** How long the past counts: a crowd that joins within a moment is not a flood, on a slow machine neither. */
const MEMORY_MS = 1000;

/** From which share of the time spent in full turns something is given up. */
const LIMITS: Readonly<Record<Sheddable, number>> = { binding: 0.25, challenge: 0.5, allocation: 0.75 };

/**
 * The pressure on one thread: the share of the last moments that went into full turns.
 *
 * A thread that keeps up finds little waiting whenever it looks, however much it does in all; one that falls behind finds
 * a full turn each time. A crowd that arrives at once makes a few full turns and is served. What is given up costs little,
 * so that the thread catches up, and the pressure settles where what is left can be done.
 */
export class TurnPressure implements Pressure {
  #level = 0;
  #beganMs = 0;
  #endedMs = 0;

  /** Of the last moments, from 0 to 1. */
  get level(): number {
    return this.#level;
  }

  sheds(what: Sheddable): boolean {
    return this.#level >= LIMITS[what];
  }

  /** A turn has its first datagram: until now there was nothing to do. */
  turnBegins(nowMs: number): void {
    this.#fade(nowMs - this.#endedMs);
    this.#beganMs = nowMs;
  }

  /** A turn has done so many datagrams. */
  turnEnds(datagrams: number, nowMs: number): void {
    const workedMs = Math.max(0, nowMs - this.#beganMs);
    this.#fade(workedMs);
    if (datagrams >= FULL_TURN) this.#level = Math.min(1, this.#level + workedMs / MEMORY_MS);
    this.#endedMs = nowMs;
  }

  #fade(elapsedMs: number): void {
    this.#level *= Math.max(0, 1 - Math.max(0, elapsedMs) / MEMORY_MS);
  }
}
