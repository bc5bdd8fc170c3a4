import type { Endpoints } from "../credentials/endpoints.ts";
import type { Clock } from "../lib/time.ts";
import type { Gateway, Store } from "../store/store.ts";
import { Poll, type PollOptions } from "./poll.ts";

/** What this gateway says of itself, and whom it tells what the others say. */
export interface AnnounceOptions extends PollOptions {
  /** From one heartbeat to the next, in milliseconds; a few times within {@link LIVE_MS}. The rows are read at each interval. */
  readonly heartbeatMs: number;
  /** Fresh at each start. */
  readonly id: string;
  readonly region: string;
  readonly endpoints: Endpoints;
  readonly clock: Clock;
  /**
   * The rows of all gateways of the last day: what {@link Regions.setGateways} takes in. Told at each interval where there
   * are others, for it shows that they still live.
   */
  readonly onGateways: (gateways: readonly Gateway[]) => void;
}

const DAY_MS = 86_400_000;
/** Intervals and heartbeats are told by clocks that need not agree to the millisecond. */
const EARLY_MS = 100;

/** This gateway's own row, written again and again and taken back at the end; and the rows of all. */
export class Announcer {
  readonly #store: Store;
  readonly #options: AnnounceOptions;
  readonly #poll: Poll;
  #row: Pick<Gateway, "endpoints" | "draining">;
  #nextHeartbeatMs = Number.NEGATIVE_INFINITY;
  /** Of the database, when it held no row but ours. */
  #versionAlone: string | undefined;

  constructor(store: Store, options: AnnounceOptions) {
    this.#store = store;
    this.#options = options;
    this.#row = { endpoints: options.endpoints, draining: false };
    this.#poll = new Poll(() => this.#beat(), { ...options, isQuiet: () => this.#isQuiet() });
  }

  /** Writes the row now, and from then on at each heartbeat. Never rejects. */
  start(): Promise<void> {
    return this.#poll.now();
  }

  /** Other endpoints, or draining: said at once, or at the next interval if rows are being read or written now. */
  update(change: Partial<Pick<Gateway, "endpoints" | "draining">>): Promise<void> {
    this.#row = { ...this.#row, ...change };
    this.#nextHeartbeatMs = Number.NEGATIVE_INFINITY;
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
    const { id, region, clock, heartbeatMs, onGateways } = this.#options;
    const { unixMs, monotonicMs } = clock.now();
    if (monotonicMs >= this.#nextHeartbeatMs) {
      const row = this.#row;
      await this.#store.announce({ id, region, ...row, heartbeatUnixMs: unixMs });
      if (row === this.#row) this.#nextHeartbeatMs = monotonicMs + heartbeatMs - EARLY_MS;
    }
    const version = this.#store.version();
    const gateways = await this.#store.gateways(unixMs - DAY_MS);
    this.#versionAlone = gateways.every((gateway) => gateway.id === id) ? version : undefined;
    onGateways(gateways);
  }

  #isQuiet(): boolean {
    if (this.#options.clock.now().monotonicMs >= this.#nextHeartbeatMs || this.#versionAlone === undefined) return false;
    return this.#versionAlone === this.#store.version();
  }
}
