import type { Endpoints } from "../credentials/endpoints.ts";
import type { Clock } from "../lib/time.ts";
import type { Gateway, Store } from "../store/store.ts";
import { Poll, type PollOptions } from "./poll.ts";

/** What this gateway says of itself, and whom it tells what the others say. */
export interface AnnounceOptions extends PollOptions {
  /** Fresh at each start. */
  readonly id: string;
  readonly region: string;
  readonly endpoints: Endpoints;
  readonly clock: Clock;
  /** The rows of all gateways after each heartbeat, of the last day: what {@link Regions.setGateways} takes in. */
  readonly onGateways: (gateways: readonly Gateway[]) => void;
}

const DAY_MS = 86_400_000;

/** This gateway's own row: written at each interval, a second or so, and taken back at the end. */
export class Announcer {
  readonly #store: Store;
  readonly #options: AnnounceOptions;
  readonly #poll: Poll;
  #row: Pick<Gateway, "endpoints" | "draining">;

  constructor(store: Store, options: AnnounceOptions) {
    this.#store = store;
    this.#options = options;
    this.#row = { endpoints: options.endpoints, draining: false };
    this.#poll = new Poll(() => this.#beat(), options);
  }

  /** Writes the row now, and from then on at each interval. Never rejects. */
  start(): Promise<void> {
    return this.#poll.now();
  }

  /** Other endpoints, or draining: said at once, or with the next heartbeat if one is being written. */
  update(change: Partial<Pick<Gateway, "endpoints" | "draining">>): Promise<void> {
    this.#row = { ...this.#row, ...change };
    return this.#poll.now();
  }

  /** The last heartbeat, and the row is gone; if the database is too, the others find out by the silence. */
  async stop(): Promise<void> {
    await this.#poll.stop();
    try {
      await this.#store.withdraw(this.#options.id);
    } catch (error) {
      this.#options.onTrouble(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #beat(): Promise<void> {
    const { id, region, clock, onGateways } = this.#options;
    const { unixMs } = clock.now();
    await this.#store.announce({ id, region, ...this.#row, heartbeatUnixMs: unixMs });
    onGateways(await this.#store.gateways(unixMs - DAY_MS));
  }
}
