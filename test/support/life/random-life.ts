import type { Random } from "../../../src/lib/random.ts";
import type { QuotaLimits } from "../../../src/policy/quota.ts";
import { seededRandom } from "../seeded-random.ts";
import { CHANNELS, CLIENTS, FIXED_PEERS, PEERS, USERNAMES } from "./cast.ts";
import { Plans } from "./plans.ts";
import type { Kind, Life, Limits, Reload, Step } from "./step.ts";

const KINDS: readonly Kind[] = [
  "plain",
  "plain",
  "plain",
  "ipv6",
  "dual",
  "dual",
  "even",
  "pair",
  "pair",
  "token",
  "token",
  "whole",
  "tcp",
  "tcp",
];
const LIFETIMES = [0, 1, 599, 601, 900, 1800, 3600, 3601, 4_000_000_000];
/** How many clients take part in a life. */
const AT_A_TIME = 5;
/** The end of a life, in which a gateway may drain. */
const LAST_STEPS = 40;

/** A life of so many steps; the same for the same seed. */
export function randomLife(seed: number, count: number): Life {
  const chance = new Chance(seededRandom(seed));
  const limits = chance.limits(seed);
  const plans = new Plans(chance);
  const steps = Array.from({ length: count }, () => plans.next() ?? chance.step(limits));
  if (chance.often(30) && count > LAST_STEPS) steps.splice(count - 1 - chance.below(LAST_STEPS), 1, { do: "drain" });
  if (chance.often(30)) steps.splice(count - 1, 1, { do: "shutdown" });
  return { limits, steps };
}

const STREAMS = [...CLIENTS.keys()].filter((who) => CLIENTS[who]?.transport !== "udp");

/** What a life is drawn by. */
export class Chance {
  readonly #random: Random;
  /** Those of the clients who take part: few enough to meet. */
  readonly #cast: readonly number[];

  constructor(random: Random) {
    this.#random = random;
    const left = [...CLIENTS.keys()];
    this.#cast = Array.from({ length: AT_A_TIME }, () => left.splice(random.below(left.length), 1)).flat();
  }

  below(limit: number): number {
    return this.#random.below(limit);
  }

  often(percent: number): boolean {
    return this.below(100) < percent;
  }

  limits(seed: number): Limits {
    return {
      seed,
      ...this.#reload(),
      ports: this.one([4, 6, 10, 40]),
      slots: this.one([3, 5, 16]),
      quota: this.#quota(),
      bytesPerSecond: this.one([0, 0, 0, 3000]),
    };
  }

  step(limits: Limits): Step {
    const dice = this.below(120);
    const who = this.who();
    if (dice < 10) return this.#allocate(who);
    if (dice < 14) return this.#refresh(who);
    if (dice < 30) return { do: "permit", who, peers: this.#peers() };
    if (dice < 42) return { do: "bind", who, channel: this.#channel(), peer: this.peer() };
    if (dice < 88) return this.#data(who, limits);
    if (dice < 91) return { do: "again", who };
    if (dice < 93) return { do: "switch", who, username: this.below(USERNAMES.length) };
    if (dice < 100) return dice < 98 || this.often(50) ? this.#time(who) : this.#administration(who);
    return dice < 107 ? this.#bring(who) : this.#stream(who);
  }

  #allocate(who: number): Step {
    const mobile = this.often(60) ? ({ mobile: true } as const) : {};
    const step = { do: "allocate", who, kind: this.one(KINDS), ...mobile } as const;
    return this.often(50) ? step : { ...step, lifetime: this.one(LIFETIMES) };
  }

  #refresh(who: number): Step {
    const lifetime = this.often(70) ? {} : { lifetime: this.one(LIFETIMES) };
    const family = this.often(75) ? {} : { family: this.one([4, 6] as const) };
    return { do: "refresh", who, ...lifetime, ...family };
  }

  /** Mostly the newest ticket of somebody else. */
  #bring(who: number): Step {
    const lifetime = this.often(80) ? {} : { lifetime: this.one(LIFETIMES) };
    const family = this.often(90) ? {} : { family: this.one([4, 6] as const) };
    const wrong = this.often(90) ? {} : ({ wrong: true } as const);
    return { do: "bring", who, of: this.who(), nth: this.one([0, 0, 0, 0, 0, 1, 1, 2, -1]), ...lifetime, ...family, ...wrong };
  }

  /** What there is to do with TCP allocations. */
  #stream(who: number): Step {
    const dice = this.below(100);
    const peer = this.peer();
    if (dice < 30) return { do: "connect", who, peer };
    if (dice < 50) return { do: "answer", nth: this.below(3), accepts: this.often(80) };
    if (dice < 60) return { do: "knock", who, peer };
    const wrong = this.often(90) ? {} : ({ wrong: true } as const);
    if (dice < 85) return { do: "attach", who, of: this.who(), nth: this.one([0, 0, 0, 1, 2, -1]), ...wrong };
    const octets = (): number => this.one([0, 1, 1000, 100_000]);
    return dice < 93 ? { do: "pass", who, toPeer: octets(), toClient: octets() } : { do: "hangUp", who };
  }

  /** Who takes part and is a stream: at least somebody. */
  get streams(): readonly number[] {
    const streams = this.#cast.filter((who) => CLIENTS[who]?.transport !== "udp");
    return streams.length > 1 ? streams : STREAMS;
  }

  /** A client. */
  who(): number {
    return this.one(this.#cast);
  }

  #data(who: number, { bytesPerSecond }: Limits): Step {
    const octets = bytesPerSecond > 0 && this.often(60) ? this.one([20_000, 40_000, 65_000]) : this.one([0, 1, 7, 100]);
    const dice = this.below(100);
    const peer = this.peer();
    if (dice < 33) return { do: "hear", who, family: this.one([4, 4, 4, 6] as const), peer, octets };
    if (dice < 60) return { do: "send", who, peer, octets, ...(this.often(5) && { whole: true }) };
    if (dice < 95) return { do: "sendOver", who, channel: this.#channel(), octets };
    return { do: "unreachable", who, peer };
  }

  #time(who: number): Step {
    const dice = this.below(100);
    if (dice < 40) return { do: "waitFor", who, nth: this.below(3), before: this.below(2) === 0 ? 0 : 1 };
    if (dice < 90) return { do: "wait", seconds: 1 + this.below(this.one([2, 31, 31, 300])) };
    if (dice < 98) return { do: "stall", seconds: 1 + this.below(this.one([31, 310, 310, 2000])) };
    return { do: "clock", seconds: this.one([-3600, -30, 30, 3600]) };
  }

  #administration(who: number): Step {
    const username = this.below(USERNAMES.length);
    const dice = this.below(100);
    if (dice < 40) return { do: "leave", who };
    if (dice < 60) return { do: "revoke", username };
    if (dice < 70) return { do: "delete", username };
    return { do: "reload", settings: this.#reload(), quota: this.#quota() };
  }

  #reload(): Reload {
    return {
      onExpiry: this.one(["finish", "cut"] as const),
      maxAllocationAgeSeconds: this.one([86_400, 86_400, 2500]),
      peersPerAllocation: this.one([0, 256, 256, 4]),
      dontFragment: this.often(70),
      relayEnabled: this.often(95),
      mobility: this.often(90),
      tcpRelay: this.often(90),
    };
  }

  #quota(): QuotaLimits {
    return { perCredential: this.one([0, 0, 1, 2]), perLabel: this.one([0, 0, 1]), perProject: this.one([0, 0, 3]) };
  }

  /** Mostly those that may be spoken to, else nothing would ever arrive. */
  peer(): number {
    if (this.often(40)) return this.below(2);
    if (this.often(60)) return this.below(6);
    return this.often(30) ? this.below(PEERS) : FIXED_PEERS.length + this.below(PEERS - FIXED_PEERS.length);
  }

  #channel(): number {
    return this.often(70) ? (CHANNELS[this.below(2)] ?? 0) : this.one(CHANNELS);
  }

  #peers(): readonly number[] {
    return Array.from({ length: this.often(80) ? 1 : this.below(4) }, () => this.peer());
  }

  /** One of some. */
  one<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    const [choice] = choices.slice(this.below(choices.length)).map((value) => ({ value }));
    if (choice === undefined) throw new RangeError("There is nothing to choose from");
    return choice.value;
  }
}
