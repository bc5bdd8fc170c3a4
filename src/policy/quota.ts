import { assert } from "../lib/assert.ts";
import type { IpAddress } from "../net/ip.ts";
import { ipKey } from "../net/address.ts";

/** For whom an allocation is counted. */
export interface QuotaClaim {
  readonly project: string;
  readonly username: string;
  readonly label: string | undefined;
  readonly client: IpAddress;
}

/** Limits on allocations at a time; 0 is no limit. */
export interface QuotaLimits {
  readonly perCredential: number;
  readonly perLabel: number;
  readonly perProject: number;
}

/** Counts live allocations. */
export interface Quota {
  /** Counts one more. `quota`: a limit is reached (486); `full`: there is no room to count (508). Nothing is counted then. */
  reserve(claim: QuotaClaim): "reserved" | "quota" | "full";
  /** Counts one less: once for each `reserved`. */
  release(claim: QuotaClaim): void;
  /** Counts an allocation for a second claim too, while it moves between them: only where the two differ. */
  reserveSecond(first: QuotaClaim, second: QuotaClaim): "reserved" | "quota" | "full";
  /** Counts it for `stays` alone again: once for each `reserved` of {@link reserveSecond}, whichever of the two it is. */
  releaseSecond(leaves: QuotaClaim, stays: QuotaClaim): void;
}

/** The counters of one thread, in a map: for tests, and where there is one thread only. */
export class LocalQuota implements Quota {
  readonly #counts = new Map<string, number>();
  /** May change at any time; live allocations stay counted. */
  limits: QuotaLimits;

  constructor(limits: QuotaLimits) {
    this.limits = limits;
  }

  /** How many counters are above zero. */
  get size(): number {
    return this.#counts.size;
  }

  reserve(claim: QuotaClaim): "reserved" | "quota" {
    return this.#reserve(countersOf(claim, this.limits));
  }

  release(claim: QuotaClaim): void {
    this.#release(countersOf(claim, this.limits));
  }

  reserveSecond(first: QuotaClaim, second: QuotaClaim): "reserved" | "quota" {
    return this.#reserve(countersBeyond(first, second, this.limits));
  }

  releaseSecond(leaves: QuotaClaim, stays: QuotaClaim): void {
    this.#release(countersBeyond(stays, leaves, this.limits));
  }

  #reserve(counted: readonly Counter[]): "reserved" | "quota" {
    if (counted.some(({ name, limit }) => limit > 0 && (this.#counts.get(name) ?? 0) >= limit)) return "quota";
    for (const { name } of counted) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    return "reserved";
  }

  #release(counted: readonly Counter[]): void {
    for (const { name } of counted) {
      const count = this.#counts.get(name) ?? 0;
      assert(count > 0, "what is released was reserved");
      if (count === 1) this.#counts.delete(name);
      else this.#counts.set(name, count - 1);
    }
  }
}

/** One thing that is counted: its name, unlike any other's, and the most it may come to (0: no limit). */
export interface Counter {
  readonly name: string;
  readonly limit: number;
}

/**
 * What a claim counts for: its credential and its label, each with the client's address, and its project. All are
 * counted whether or not they have a limit, so that a limit set later holds for what is live.
 */
export function countersOf({ project, username, label, client }: QuotaClaim, limits: QuotaLimits): readonly Counter[] {
  const from = ipKey(client);
  const counters = [
    { name: `project\0${project}`, limit: limits.perProject },
    { name: `credential\0${from}\0${username}`, limit: limits.perCredential },
  ];
  if (label !== undefined) counters.push({ name: `label\0${from}\0${project}\0${label}`, limit: limits.perLabel });
  return counters;
}

/** The counters of a second claim that the first does not count for. */
export function countersBeyond(first: QuotaClaim, second: QuotaClaim, limits: QuotaLimits): readonly Counter[] {
  const known = new Set(countersOf(first, limits).map(({ name }) => name));
  return countersOf(second, limits).filter(({ name }) => !known.has(name));
}
