import type { ApiKey, Change } from "../store/store.ts";
import type { Directory, Newcomers } from "./directory.ts";

/** Who hears of changes. */
export interface Listeners {
  /** Main's own directory, which it mints by. */
  readonly directory: Directory;
  /** Tells every other thread a change. @returns done when each has taken it in */
  change(change: Change): Promise<void>;
  /** Tells every other thread what may be minted with, and whom for. */
  admit(newcomers: Newcomers): void;
}

interface Waiting {
  readonly keys: Map<string, ApiKey>;
  readonly projects: Set<string>;
}

/**
 * Publishes changes to all threads, in two steps: what ends something, and the projects whose credentials are verified,
 * at once; what something can be minted with when every thread has taken in the former.
 */
export class Publisher {
  readonly #listeners: Listeners;
  readonly #waiting = new Map<Waiting, Promise<void>>();

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
  }

  /** Publishes a change. */
  publish(change: Change): void {
    const { directory } = this.#listeners;
    for (const waiting of this.#waiting.keys()) this.#forget(waiting, change);
    const keys = new Map(change.keys.map((key) => [key.id, key]));
    const projects = new Set(change.projects.map(({ id }) => id));
    const first = { ...change, keys: [] };
    directory.apply(first);
    const taken = this.#listeners.change(first);
    if (keys.size === 0 && projects.size === 0) return;
    const waiting = { keys, projects };
    this.#waiting.set(
      waiting,
      taken.then(() => this.#admit(waiting)),
    );
  }

  /** Done when all that was published until now may be minted with. */
  async admitted(): Promise<void> {
    await Promise.all(this.#waiting.values());
  }

  #admit(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    const newcomers = { keys: [...waiting.keys.values()], projects: [...waiting.projects] };
    this.#listeners.directory.admit(newcomers);
    this.#listeners.admit(newcomers);
  }

  /** What has ended meanwhile does not come to life. */
  #forget({ keys, projects }: Waiting, { fromBeginning, revokedKeys, deletedProjects }: Change): void {
    if (fromBeginning) {
      keys.clear();
      projects.clear();
    }
    for (const id of revokedKeys) keys.delete(id);
    for (const gone of deletedProjects) {
      projects.delete(gone);
      for (const [id, { project }] of keys) if (project === gone) keys.delete(id);
    }
  }
}
