import type { Collector } from "../runtime/runtime.ts";

const THOUGHTS_BETWEEN_COLLECTIONS = 1024;
/** A connection that comes to nothing counts as so many thoughts. */
const THOUGHTS_OF_A_CONNECTION = 8;
/** And besides as many as are open, for what lives is looked at too. */
const CONNECTIONS_BETWEEN_FULL_COLLECTIONS = 1024;
/** The same for allocations that have ended: those that lived through a collection of the young are no longer young. */
const ALLOCATIONS_BETWEEN_FULL_COLLECTIONS = 1024;

/** What a thread has done since it began, and what is there now. */
export interface Doings {
  /** How often an engine was asked. */
  readonly thoughts: number;
  /** Allocations that have ended, and those that live. */
  readonly ended: number;
  readonly live: number;
  /** Streams that were accepted, and those that are open. */
  readonly accepted: number;
  readonly open: number;
}

/** Has garbage thrown away every so often, before what strangers cause amounts to something: a thread that never rests does not by itself. */
export class Housekeeping {
  readonly #collector: Collector;
  #young = 0;
  #accepted = 0;
  #ended = 0;

  constructor(collector: Collector) {
    this.#collector = collector;
  }

  /** Called between two turns. */
  after({ thoughts, ended, live, accepted, open }: Doings): void {
    const made = thoughts + THOUGHTS_OF_A_CONNECTION * accepted;
    const isFull =
      accepted - this.#accepted >= CONNECTIONS_BETWEEN_FULL_COLLECTIONS + open ||
      ended - this.#ended >= ALLOCATIONS_BETWEEN_FULL_COLLECTIONS + live;
    if (isFull) {
      this.#accepted = accepted;
      this.#ended = ended;
      this.#young = made;
      this.#collector.collectAll();
    } else if (made - this.#young >= THOUGHTS_BETWEEN_COLLECTIONS) {
      this.#young = made;
      this.#collector.collectYoung();
    }
  }
}
