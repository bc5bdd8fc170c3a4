import { setTimeout as sleep } from "node:timers/promises";
import type { Revocation } from "../store/store.ts";

/** Who must hear of a revocation. */
export interface RevocationParts {
  /** Ends it here, now. */
  apply(revocation: Revocation): void;
  /** Writes it down for ever, and for the rest of a fleet; rejects if the database does not take it now. */
  write(revocation: Revocation): Promise<void>;
  /** Between two tries, in milliseconds: each may keep its thread for a while. */
  readonly pauseMs?: number;
  /** How long somebody waits for an answer. */
  readonly patienceMs?: number;
}

interface Waiting {
  readonly revocation: Revocation;
  readonly written: PromiseWithResolvers<void>;
}

const PAUSE_MS = 250;
const PATIENCE_MS = 50;
/** So many wait for the database at most. */
const MOST_WAITING = 10_000;

/**
 * Revocations on their way to the database. Each is in force on this gateway at once; they are written one after the
 * other, so that a database which somebody holds is asked a few times a second, however many there are.
 */
export class Revocations {
  readonly #parts: RevocationParts;
  readonly #waiting = new Map<string, Waiting>();
  #working = false;
  #closing = false;

  constructor(parts: RevocationParts) {
    this.#parts = parts;
  }

  /** Those that are in force here and not written yet. */
  get waiting(): readonly Revocation[] {
    return [...this.#waiting.values()].map(({ revocation }) => revocation);
  }

  /**
   * Revokes.
   *
   * @returns `waits` if the database takes longer than a caller is to wait, or too many wait for it already: it is in
   *   force here, and but for the latter it is written when that can be
   */
  async revoke(revocation: Revocation): Promise<"written" | "waits"> {
    const { username } = revocation;
    let waiting = this.#waiting.get(username);
    if (waiting === undefined) {
      this.#parts.apply(revocation);
      if (this.#waiting.size >= MOST_WAITING) return "waits";
      waiting = { revocation, written: Promise.withResolvers() };
      this.#waiting.set(username, waiting);
      void this.#work();
    }
    const written = waiting.written.promise.then(() => "written" as const);
    return Promise.race([written, sleep(this.#parts.patienceMs ?? PATIENCE_MS, "waits" as const)]);
  }

  /** Tries each that waits once more; after that nothing is written. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const { revocation } of this.#waiting.values()) {
      if (!(await this.#try(revocation))) return;
    }
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (const [username, { revocation, written }] of this.#waiting) {
      while (!this.#closing && !(await this.#try(revocation))) await sleep(this.#parts.pauseMs ?? PAUSE_MS);
      if (this.#closing) break;
      this.#waiting.delete(username);
      written.resolve();
    }
    this.#working = false;
  }

  async #try(revocation: Revocation): Promise<boolean> {
    return this.#parts.write(revocation).then(
      () => true,
      () => false, // busy or gone: whoever looks at the database says so on /readyz
    );
  }
}
