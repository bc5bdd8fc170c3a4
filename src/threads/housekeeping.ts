import type { Collector } from "../runtime/runtime.ts";

const THOUGHTS_BETWEEN_COLLECTIONS = 1024;
/** A connection that comes to nothing counts as so many thoughts. */
const THOUGHTS_OF_A_CONNECTION = 8;
/** And besides as many as are open, for what lives is looked at too. */
const CONNECTIONS_BETWEEN_FULL_COLLECTIONS = 1024;

/** Has garbage thrown away every so often, before what strangers cause amounts to something. */
export class Housekeeping {
  readonly #collector: Collector;
  #young = 0;
  #full = 0;

  constructor(collector: Collector) {
    this.#collector = collector;
  }

  /**
   * Called between two turns.
   *
   * @param thoughts how often an engine was asked so far
   * @param connections how many streams were accepted so far, and how many are open
   */
  after(thoughts: number, { accepted, open } = { accepted: 0, open: 0 }): void {
    const made = thoughts + THOUGHTS_OF_A_CONNECTION * accepted;
    if (accepted - this.#full >= CONNECTIONS_BETWEEN_FULL_COLLECTIONS + open) {
      this.#full = accepted;
      this.#young = made;
      this.#collector.collectAll();
    } else if (made - this.#young >= THOUGHTS_BETWEEN_COLLECTIONS) {
      this.#young = made;
      this.#collector.collectYoung();
    }
  }
}
