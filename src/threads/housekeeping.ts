import type { Collector } from "../runtime/runtime.ts";

const THOUGHTS_BETWEEN_COLLECTIONS = 1024;
/** A connection that comes to nothing counts as so many thoughts. */
const THOUGHTS_OF_A_CONNECTION = 8;
/** And besides as many as are open, for what lives is looked at too. */
const CONNECTIONS_BETWEEN_FULL_COLLECTIONS = 1024;
/** The same for allocations that have ended: those that lived through a collection of the young are no longer young. */
const ALLOCATIONS_BETWEEN_FULL_COLLECTIONS = 1024;
/** A thread with nothing to do for so long throws all away that it owes, if that is worth the while. */
const REST_MS = 1000;
const THOUGHTS_WORTH_A_REST = 256;

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
  /** What had been made when all was collected last, and by now. */
  #full = 0;
  #made = 0;
  #accepted = 0;
  #ended = 0;

  constructor(collector: Collector) {
    this.#collector = collector;
  }

  /** How long a thread may wait until {@link rest} is to be called, in milliseconds; Infinity while there is no need. */
  get restMs(): number {
    return this.#made - this.#full >= THOUGHTS_WORTH_A_REST ? REST_MS : Number.POSITIVE_INFINITY;
  }

  /** Called when a thread has waited for {@link restMs} and nothing came. */
  rest(): void {
    if (this.restMs !== REST_MS) return;
    this.#full = this.#made;
    this.#young = this.#made;
    this.#collector.collectAll();
  }

  /** Called between two turns. */
  after({ thoughts, ended, live, accepted, open }: Doings): void {
    const made = thoughts + THOUGHTS_OF_A_CONNECTION * accepted;
    this.#made = made;
    const isFull =
      accepted - this.#accepted >= CONNECTIONS_BETWEEN_FULL_COLLECTIONS + open ||
      ended - this.#ended >= ALLOCATIONS_BETWEEN_FULL_COLLECTIONS + live;
    if (isFull) {
      this.#accepted = accepted;
      this.#ended = ended;
      this.#young = made;
      this.#full = made;
      this.#collector.collectAll();
    } else if (made - this.#young >= THOUGHTS_BETWEEN_COLLECTIONS) {
      this.#young = made;
      this.#collector.collectYoung();
    }
  }
}
