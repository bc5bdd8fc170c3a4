/** Where a load's datagrams go: from clients to peers, from peers to clients, or from clients to peers and back. */
export type Direction = "to-peer" | "to-client" | "echo";

/** A pair of a TURN server's. */
export interface Credentials {
  readonly username: string;
  readonly credential: string;
}

/** Clients with an allocation and a channel each, and the peers they speak to. */
export interface Load {
  readonly clients: number;
  /** Datagrams that came to where they were going. */
  readonly delivered: number;
  /** Of echoes. */
  readonly roundTrips: RoundTrips;
  /** Sends one datagram over a client's channel; it leaves with the next turn at the latest. */
  send(client: number, direction: Direction): void;
  /** Sends what waits and takes what comes, for which it waits at most so long. */
  turn(timeoutMs: number): void | Promise<void>;
  /** Ends the allocations and closes all sockets. */
  close(): Promise<void>;
}

/** Round-trip times, the last million of them. */
export class RoundTrips {
  readonly #samples = new Float32Array(1 << 20);
  #count = 0;

  add(milliseconds: number): void {
    this.#samples[this.#count++ & (this.#samples.length - 1)] = milliseconds;
  }

  clear(): void {
    this.#count = 0;
  }

  /** In microseconds; `undefined` if there are none. */
  percentile(percent: number): number | undefined {
    const sorted = this.#samples.slice(0, this.#count).sort();
    const sample = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
    return sample === undefined ? undefined : Math.round(1000 * sample);
  }
}
