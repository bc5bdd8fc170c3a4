import type { QuotaLimits } from "../../../src/policy/quota.ts";

/** What an Allocate of a life asks for beside its lifetime. */
export type Kind = "plain" | "ipv6" | "dual" | "even" | "pair" | "token" | "whole" | "tcp";

/** What an operator can change in the middle of a life. */
export interface Reload {
  readonly onExpiry: "finish" | "cut";
  readonly maxAllocationAgeSeconds: number;
  readonly peersPerAllocation: number;
  readonly dontFragment: boolean;
  readonly relayEnabled: boolean;
  readonly mobility: boolean;
  readonly tcpRelay: boolean;
}

/** The world that a life is led in. */
export interface Limits extends Reload {
  /** Of the world's own chance; the steps are written out. */
  readonly seed: number;
  /** How many relayed ports each family has. */
  readonly ports: number;
  /** How many allocations of a shard have a place in the counters. */
  readonly slots: number;
  readonly quota: QuotaLimits;
  readonly bytesPerSecond: number;
}

/**
 * One thing that happens. Clients, peers, usernames and channels are numbers, so that a step means something in whatever
 * state it finds the world: steps can be left out, and the rest is still a life.
 */
export type Step =
  | {
      readonly do: "allocate";
      readonly who: number;
      readonly kind: Kind;
      readonly lifetime?: number;
      /** It asks for a MOBILITY-TICKET. */
      readonly mobile?: true;
    }
  | { readonly do: "refresh"; readonly who: number; readonly lifetime?: number; readonly family?: 4 | 6 }
  | { readonly do: "permit"; readonly who: number; readonly peers: readonly number[] }
  | { readonly do: "bind"; readonly who: number; readonly channel: number; readonly peer: number }
  | { readonly do: "send"; readonly who: number; readonly peer: number; readonly octets: number; readonly whole?: true }
  | { readonly do: "sendOver"; readonly who: number; readonly channel: number; readonly octets: number }
  | { readonly do: "hear"; readonly who: number; readonly family: 4 | 6; readonly peer: number; readonly octets: number }
  | { readonly do: "unreachable"; readonly who: number; readonly peer: number }
  /** A Refresh with the nth newest ticket of those that `of` was given; -1: one that nobody was given. */
  | {
      readonly do: "bring";
      readonly who: number;
      readonly of: number;
      readonly nth: number;
      readonly lifetime?: number;
      readonly family?: 4 | 6;
      /** With a credential of one's own, whoever's the ticket is. */
      readonly wrong?: true;
    }
  /** Connect; and what becomes of the nth that is under way, or was given up. */
  | { readonly do: "connect"; readonly who: number; readonly peer: number }
  | { readonly do: "answer"; readonly nth: number; readonly accepts: boolean }
  /** A peer connects to the relayed address that a client has or had. */
  | { readonly do: "knock"; readonly who: number; readonly peer: number }
  /** A ConnectionBind with the nth newest id that `of` was told; -1: with one that nobody was told. */
  | { readonly do: "attach"; readonly who: number; readonly of: number; readonly nth: number; readonly wrong?: true }
  /** Octets pass over the data connection that a client's stream has become; and its end, from either side. */
  | { readonly do: "pass"; readonly who: number; readonly toPeer: number; readonly toClient: number }
  | { readonly do: "hangUp"; readonly who: number }
  /** The last request once more, octet by octet. */
  | { readonly do: "again"; readonly who: number }
  /** Somebody else's credential, or a new one, on the same five-tuple. */
  | { readonly do: "switch"; readonly who: number; readonly username: number }
  /** A stream is closed and another opened. */
  | { readonly do: "leave"; readonly who: number }
  | { readonly do: "wait"; readonly seconds: number }
  /** To the nth moment at which something of a client's ends, or to the second before. */
  | { readonly do: "waitFor"; readonly who: number; readonly nth: number; readonly before: 0 | 1 }
  /** Time passes, and nobody looks at deadlines until it has. */
  | { readonly do: "stall"; readonly seconds: number }
  /** The wall clock is put forward or back. */
  | { readonly do: "clock"; readonly seconds: number }
  | { readonly do: "revoke"; readonly username: number }
  | { readonly do: "delete"; readonly username: number }
  | { readonly do: "reload"; readonly settings: Reload; readonly quota: QuotaLimits }
  | { readonly do: "drain" }
  | { readonly do: "shutdown" };

/** A life that can be led again. */
export interface Life {
  /** Why it is kept. */
  readonly what?: string;
  readonly limits: Limits;
  readonly steps: readonly Step[];
}

/** A step in words. */
export function describeStep(step: Step): string {
  const { do: verb, ...rest } = step;
  const parts = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [verb, ...parts].join(", ");
}
