import { ipKey, type TransportAddress } from "../net/address.ts";
import type { IpAddress } from "../net/ip.ts";

/** How many connections one edge thread keeps; what comes on top is closed at once. */
export interface AdmissionLimits {
  /** All of them. */
  readonly connections: number;
  /** Those of which it is not yet known what they are: PROXY header, hello, handshake, first octets. */
  readonly undecided: number;
  /**
   * Those of one address (IPv6: one /64) that hold no allocation, web and passed-on ones included. A thousand people
   * behind one address may join at once, each over several connections.
   */
  readonly withoutAllocation: number;
}

/** Fit for a descriptor limit of 200,000 shared with relayed addresses. */
export const ADMISSION_LIMITS: AdmissionLimits = { connections: 50_000, undecided: 20_000, withoutAllocation: 16_384 };

/** One connection that may stay, and what is known of it. */
export interface Visit {
  readonly client: TransportAddress;
  /** The address and port of ours that the client speaks to. */
  readonly server: TransportAddress;
  /** It is known what it is for. */
  decided(): void;
  /** Whether it holds an allocation now. */
  allocated(live: boolean): void;
  /** It is closed. Twice is once. */
  ends(): void;
}

/** Who may stay: counts connections of one thread, and turns away what is over a limit. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #admitted: () => void;
  readonly #withoutAllocation = new Map<string, number>();
  #connections = 0;
  #undecided = 0;
  /** How many were turned away, by the limit that did it. */
  readonly refused: Record<keyof AdmissionLimits, number> = { connections: 0, undecided: 0, withoutAllocation: 0 };

  /** @param admitted told of each connection that is let in */
  constructor(limits: AdmissionLimits = ADMISSION_LIMITS, admitted: () => void = () => {}) {
    this.#limits = limits;
    this.#admitted = admitted;
  }

  /** Connections that are there now. */
  get connections(): number {
    return this.#connections;
  }

  /** Connections of which it is not yet known what they are. */
  get undecided(): number {
    return this.#undecided;
  }

  /** Addresses with connections that hold no allocation. */
  get addresses(): number {
    return this.#withoutAllocation.size;
  }

  /**
   * Counts a connection in.
   *
   * @returns `undefined` if a limit is reached: the caller closes the socket without a word
   */
  admit(client: TransportAddress, server: TransportAddress): Visit | undefined {
    const key = crowdKey(client.ip);
    const limit = this.#reached(key);
    if (limit !== undefined) {
      this.refused[limit] += 1;
      return undefined;
    }
    this.#admitted();
    this.#connections += 1;
    this.#undecided += 1;
    this.#count(key, 1);

    let state: "undecided" | "decided" | "ended" = "undecided";
    let holdsAllocation = false;
    const decided = (): void => {
      if (state === "undecided") this.#undecided -= 1;
      if (state === "undecided") state = "decided";
    };
    return {
      client,
      server,
      decided,
      allocated: (live) => {
        if (state === "ended" || live === holdsAllocation) return;
        holdsAllocation = live;
        this.#count(key, live ? -1 : 1);
      },
      ends: () => {
        if (state === "ended") return;
        decided();
        state = "ended";
        this.#connections -= 1;
        if (!holdsAllocation) this.#count(key, -1);
      },
    };
  }

  #reached(key: string): keyof AdmissionLimits | undefined {
    if (this.#connections >= this.#limits.connections) return "connections";
    if (this.#undecided >= this.#limits.undecided) return "undecided";
    return (this.#withoutAllocation.get(key) ?? 0) >= this.#limits.withoutAllocation ? "withoutAllocation" : undefined;
  }

  #count(key: string, change: 1 | -1): void {
    const count = (this.#withoutAllocation.get(key) ?? 0) + change;
    if (count === 0) this.#withoutAllocation.delete(key);
    else this.#withoutAllocation.set(key, count);
  }
}

/** A customer of an IPv6 provider has a /64 at least, so its addresses are one. */
function crowdKey(ip: IpAddress): string {
  return ip.family === 4 ? ipKey(ip) : ipKey(ip).slice(0, 8);
}
