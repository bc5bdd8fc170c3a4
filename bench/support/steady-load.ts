import type { Load } from "./load.ts";

/** What is still under way when no more is sent. */
const DRAIN_MS = 300;
const PROBE_SECONDS = 1;
/** Rates that are tried, in datagrams a second. */
const RATES = [10_000, 20_000, 30_000, 40_000, 60_000, 80_000, 120_000, 160_000];
const NO_LOSS = 0.0005;

/** A load at a fixed rate, half of it in each direction, that leaves the machine to others in between. */
export class SteadyLoad {
  readonly #load: Load;
  #next = 0;

  constructor(load: Load) {
    this.#load = load;
  }

  /** The highest rate at which as good as nothing is lost, in datagrams a second. */
  capacity(): number {
    let best = RATES[0] ?? 0;
    for (const rate of RATES) {
      if (this.run(rate, PROBE_SECONDS) > NO_LOSS || this.run(rate, PROBE_SECONDS) > NO_LOSS) break;
      best = rate;
    }
    return best;
  }

  /** @returns which share was lost */
  run(rate: number, seconds: number): number {
    const load = this.#load;
    const first = load.delivered;
    const begun = performance.now();
    const end = begun + 1000 * seconds;
    let sent = 0;
    for (let now = begun; now < end; now = performance.now()) {
      const due = ((now - begun) * rate) / 1000;
      for (; sent < due; sent++) {
        this.#next++;
        load.send(this.#next % load.clients, Math.floor(this.#next / load.clients) % 2 === 0 ? "to-peer" : "to-client");
      }
      load.turn(1);
    }
    for (let until = performance.now() + DRAIN_MS; performance.now() < until; ) load.turn(10);
    return sent === 0 ? 0 : (sent - (load.delivered - first)) / sent;
  }
}
