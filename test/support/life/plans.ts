import { FIXED_PEERS, USERNAMES } from "./cast.ts";
import type { Chance } from "./random-life.ts";
import type { Step } from "./step.ts";

/** How many plans are followed at a time. */
const AT_A_TIME = 3;

/**
 * What needs several steps in their order, which chance alone would hardly ever take: each plan is woven into the rest,
 * so that anything may come between two of its steps.
 */
export class Plans {
  readonly #chance: Chance;
  readonly #plans: Step[][] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** The next step of one of the plans; `undefined`: whatever else. */
  next(): Step | undefined {
    const chance = this.#chance;
    if (this.#plans.length < AT_A_TIME && chance.often(5)) this.#plans.push(this.#plan());
    if (this.#plans.length === 0 || chance.often(50)) return undefined;
    const plan = chance.one(this.#plans);
    const step = plan.shift();
    if (plan.length === 0) this.#plans.splice(this.#plans.indexOf(plan), 1);
    return step;
  }

  #plan(): Step[] {
    const dice = this.#chance.below(100);
    if (dice < 37) return this.#talk();
    if (dice < 42) return this.#moveWithin();
    return dice < 75 ? this.#move() : this.#connect();
  }

  /** An allocation, and data both ways. */
  #talk(): Step[] {
    const chance = this.#chance;
    const who = chance.who();
    const [peer, channel, octets] = [chance.below(4), 0x4000 + chance.below(2), 1 + chance.below(100)];
    const said: Step[] = [
      { do: "send", who, peer, octets },
      { do: "sendOver", who, channel, octets },
      { do: "hear", who, family: 4, peer, octets },
    ];
    return [
      { do: "allocate", who, kind: chance.one(["plain", "dual", "pair"] as const) },
      { do: "bind", who, channel, peer },
      ...Array.from({ length: 3 + chance.below(9) }, () => chance.one(said)),
    ];
  }

  /** An allocation that moves, and what may come in its way (RFC 8016). */
  #move(): Step[] {
    const chance = this.#chance;
    const [first, second, third] = [chance.who(), chance.who(), chance.who()];
    const peer = chance.below(6);
    const channel = 0x4000 + chance.below(3);
    const octets = 10;
    const begin: Step[] = [
      ...this.#anew(first),
      { do: "allocate", who: first, kind: chance.one(["plain", "plain", "ipv6", "dual", "pair"] as const), mobile: true },
      chance.often(50) ? { do: "permit", who: first, peers: [peer] } : { do: "bind", who: first, channel, peer },
      ...this.#free(second),
      { do: "bring", who: second, of: first, nth: 0 },
    ];
    const between: Step[] = [
      { do: "hear", who: first, family: 4, peer, octets },
      { do: "sendOver", who: first, channel, octets },
      { do: "refresh", who: first, ...(chance.often(50) && { lifetime: 0 }) },
      { do: "leave", who: first },
      { do: "leave", who: second },
      { do: "waitFor", who: first, nth: 0, before: 0 },
      { do: "bring", who: third, of: first, nth: chance.below(2) },
      { do: "bring", who: third, of: second, nth: 0 },
      { do: "bring", who: second, of: third, nth: 0 },
      { do: "allocate", who: second, kind: "plain", mobile: true },
      { do: "allocate", who: first, kind: "plain" },
      { do: "again", who: second },
    ];
    const end: Step[] = [
      { do: "hear", who: first, family: 4, peer, octets },
      chance.often(50) ? { do: "sendOver", who: second, channel, octets } : { do: "send", who: second, peer, octets },
      { do: "hear", who: second, family: 4, peer, octets },
      { do: "again", who: second },
      { do: "sendOver", who: first, channel, octets },
    ];
    return [...begin, ...Array.from({ length: chance.below(4) }, () => chance.one(between)), ...end];
  }

  /** A channel to a relay of ours moves, and the relay may end meanwhile. */
  #moveWithin(): Step[] {
    const chance = this.#chance;
    const [first, second, inner] = [chance.who(), chance.who(), chance.who()];
    const [peer, channel, octets] = [FIXED_PEERS.length + 2 * inner, 0x4001, 10];
    return [
      { do: "allocate", who: inner, kind: "plain" },
      ...this.#free(second),
      { do: "allocate", who: first, kind: "plain", mobile: true },
      { do: "bind", who: first, channel, peer },
      { do: "bring", who: second, of: first, nth: 0 },
      chance.one<Step>([
        { do: "refresh", who: inner, lifetime: 0 },
        { do: "leave", who: inner },
        { do: "sendOver", who: first, channel, octets },
      ]),
      { do: "sendOver", who: second, channel, octets },
      { do: "wait", seconds: 1 + chance.below(2) },
      { do: "sendOver", who: second, channel, octets },
      { do: "bind", who: second, channel, peer },
    ];
  }

  /** A TCP allocation with a connection, from either side, and its end (RFC 6062). */
  #connect(): Step[] {
    const chance = this.#chance;
    const [control, data, other] = [chance.one(chance.streams), chance.one(chance.streams), chance.one(chance.streams)];
    const peer = chance.below(4);
    const begin: Step[] = chance.often(60)
      ? [
          { do: "connect", who: control, peer },
          { do: "answer", nth: 0, accepts: chance.often(90) },
        ]
      : [
          { do: "permit", who: control, peers: [peer] },
          { do: "knock", who: control, peer },
        ];
    const between: Step[] = [
      { do: "connect", who: control, peer },
      { do: "knock", who: control, peer },
      { do: "attach", who: control, of: control, nth: 0 },
      { do: "attach", who: other, of: control, nth: chance.below(2) },
      { do: "attach", who: other, of: control, nth: 0, wrong: true },
      { do: "leave", who: control },
      { do: "leave", who: data },
      { do: "refresh", who: control, lifetime: 0 },
      { do: "waitFor", who: control, nth: 0, before: 0 },
      { do: "waitFor", who: control, nth: 0, before: 1 },
      { do: "wait", seconds: 29 + chance.below(2) },
      { do: "hangUp", who: data },
    ];
    const some = (): Step[] => Array.from({ length: chance.below(3) }, () => chance.one(between));
    return [
      ...this.#anew(control),
      { do: "allocate", who: control, kind: "tcp" },
      ...begin,
      ...some(),
      ...this.#free(data),
      { do: "attach", who: data, of: control, nth: 0 },
      { do: "pass", who: data, toPeer: chance.below(1000), toClient: chance.below(1000) },
      ...some(),
      chance.one<Step>([
        { do: "hangUp", who: data },
        { do: "refresh", who: control, lifetime: 0 },
        { do: "leave", who: control },
      ]),
    ];
  }

  /** Without an allocation, and with a credential that may make one. */
  #anew(who: number): Step[] {
    return [...this.#free(who), { do: "switch", who, username: this.#chance.below(USERNAMES.length) }];
  }

  #free(who: number): Step[] {
    return [this.#chance.often(50) ? { do: "leave", who } : { do: "refresh", who, lifetime: 0 }];
  }
}
