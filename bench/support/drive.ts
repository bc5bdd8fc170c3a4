import type { Direction, Load } from "./load.ts";

/** How a load sends. */
export interface Pace {
  readonly direction: Direction;
  /** Datagrams in a row over one channel. */
  readonly burst: number;
  /** Datagrams on their way at most. */
  readonly window: number;
  /** Datagrams a second; absent: as fast as they arrive. */
  readonly rate?: number | undefined;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** What came of it; times and counts of the measured part alone, loss of all. */
export interface Drive {
  readonly delivered: number;
  readonly seconds: number;
  /** What the meter read when it ended, less what it read when it began. */
  readonly cost: number;
  /** Share of what was sent that did not arrive. */
  readonly loss: number;
}

/** Nothing has come for so long: what is still on its way is lost. */
const LOST_AFTER_MS = 50;

/**
 * Sends over all channels in turn and counts what arrives.
 *
 * @param meter read when the measured part begins and when it ends
 */
export async function drive(load: Load, pace: Pace, meter: () => number): Promise<Drive> {
  const sender = new Sender(load, pace);
  await sender.run(pace.warmUpSeconds);
  load.roundTrips.clear();
  const [first, started, before] = [load.delivered, performance.now(), meter()];
  await sender.run(pace.seconds);
  const cost = meter() - before;
  const seconds = (performance.now() - started) / 1000;
  const delivered = load.delivered - first;
  await sender.settle();
  return { delivered, seconds, cost, loss: sender.loss };
}

class Sender {
  readonly #load: Load;
  readonly #pace: Pace;
  readonly #delivered: number;
  #sent = 0;
  #lost = 0;
  #client = 0;

  constructor(load: Load, pace: Pace) {
    this.#load = load;
    this.#pace = pace;
    this.#delivered = load.delivered;
  }

  get loss(): number {
    return this.#sent === 0 ? 0 : (this.#sent - (this.#load.delivered - this.#delivered)) / this.#sent;
  }

  async run(seconds: number): Promise<void> {
    const { rate } = this.#pace;
    const started = performance.now();
    const [end, already] = [started + 1000 * seconds, this.#sent];
    let [seen, seenAt] = [this.#load.delivered, started];
    for (let now = started; now < end; now = performance.now()) {
      const due = rate === undefined ? Infinity : already + ((now - started) * rate) / 1000;
      this.#sendUntil(due);
      const turned = this.#load.turn(rate === undefined ? 5 : 0);
      if (turned !== undefined) await turned;
      if (this.#load.delivered !== seen) [seen, seenAt] = [this.#load.delivered, now];
      else if (now > seenAt + LOST_AFTER_MS) this.#lost = this.#sent - (seen - this.#delivered);
    }
  }

  /** Lets arrive what still does. */
  async settle(): Promise<void> {
    let [seen, seenAt] = [this.#load.delivered, performance.now()];
    while (performance.now() < seenAt + LOST_AFTER_MS) {
      await this.#load.turn(5);
      if (this.#load.delivered !== seen) [seen, seenAt] = [this.#load.delivered, performance.now()];
    }
  }

  #sendUntil(due: number): void {
    const { burst, window, direction } = this.#pace;
    const arrived = this.#load.delivered - this.#delivered;
    while (this.#sent + burst <= due && this.#sent - arrived - this.#lost + burst <= window) {
      for (let i = 0; i < burst; i++) this.#load.send(this.#client, direction);
      this.#sent += burst;
      this.#client = (this.#client + 1) % this.#load.clients;
    }
  }
}
