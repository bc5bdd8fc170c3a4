import type { Change, Store } from "../store/store.ts";
import { Poll, type PollOptions } from "./poll.ts";

/** A follower at work. */
export interface Following {
  /** Asks at once, and resolves when everything known to the database has been published, or it has failed. */
  now(): Promise<void>;
  /** Asks no more. */
  stop(): Promise<void>;
}

/** Rows in one change: what a relay thread takes in between two turns without being missed. */
const ROWS_OF_A_CHANGE = 1000;

/**
 * Follows the database and publishes what changed. The first change begins with everything.
 *
 * It begins when {@link Following.now} is first called. A database that is busy or gone is asked again and again; what
 * was published before stays true until it says otherwise.
 *
 * @param publish told each change that has something in it, in order
 * @param options.intervalMs 500 or less, so that an administrator's change is honoured within a second
 */
export function follow(store: Store, publish: (change: Change) => void, options: PollOptions): Following {
  let revision = 0;
  let begun = false;
  let version: string | undefined;

  const read = async (): Promise<void> => {
    const found = store.version();
    for (let more = true; more; ) {
      const change = await store.changesSince(revision, ROWS_OF_A_CHANGE);
      if (!begun || change.revision !== revision) publish(change);
      begun = true;
      ({ revision, more } = change);
    }
    version = found;
  };
  return new Poll(read, { ...options, isQuiet: () => version !== undefined && version === store.version() });
}
