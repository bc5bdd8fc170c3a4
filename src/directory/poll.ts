import { StoreBusy } from "../store/store.ts";

/** How a {@link Poll} goes about it. */
export interface PollOptions {
  /** An attempt at each multiple of it, so that polls whose intervals fit wake their thread together. */
  readonly intervalMs: number;
  /** Whether an attempt would find what the last one has left; asked at each interval. If it throws, there is an attempt. */
  readonly isQuiet?: () => boolean;
  /** Told once when the database fails, with the error, and once with `undefined` when it answers again. */
  readonly onTrouble: (error: Error | undefined) => void;
}

/** So many times in a row a database may be busy before that is trouble. */
const PATIENCE = 10;
/** As a share of an interval. */
const SOON = 0.2;

/** Something done again and again with a database, for as long as the process lives, whatever becomes of the database. */
export class Poll {
  readonly #task: () => Promise<void>;
  readonly #options: PollOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  #busyInARow = 0;
  #inTrouble = false;

  constructor(task: () => Promise<void>, options: PollOptions) {
    this.#task = task;
    this.#options = options;
  }

  /** Does it once, now, or joins what is under way. Never rejects: a failure is told to `onTrouble`. */
  now(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    clearTimeout(this.#timer);
    this.#running ??= this.#attempt();
    return this.#running;
  }

  /** No further attempt; resolves when the last has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #attempt(): Promise<void> {
    try {
      await this.#task();
      this.#succeeded();
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
    }
    this.#running = undefined;
    this.#arm();
  }

  #arm(): void {
    if (this.#stopped) return;
    const { intervalMs } = this.#options;
    const left = intervalMs - (performance.now() % intervalMs);
    // A timer that goes off a moment early is not to go off again at once.
    const wait = left < SOON * intervalMs ? left + intervalMs : left;
    this.#timer = setTimeout(() => (this.#isQuiet() ? this.#arm() : this.now()), wait);
  }

  #isQuiet(): boolean {
    if (this.#inTrouble || this.#busyInARow > 0) return false;
    try {
      return this.#options.isQuiet?.() === true;
    } catch {
      return false; // the attempt will meet it too, and tell
    }
  }

  #succeeded(): void {
    this.#busyInARow = 0;
    if (this.#inTrouble) this.#options.onTrouble(undefined);
    this.#inTrouble = false;
  }

  #failed(error: Error): void {
    this.#busyInARow = error instanceof StoreBusy ? this.#busyInARow + 1 : PATIENCE;
    if (this.#stopped || this.#inTrouble || this.#busyInARow < PATIENCE) return;
    this.#inTrouble = true;
    this.#options.onTrouble(error);
  }
}
