import { Worker } from "node:worker_threads";
import type { Random } from "../../../src/lib/random.ts";
import { ipFrom } from "../../../src/net/ip.ts";
import type { SharedLedger } from "../../../src/policy/ledger.ts";
import type { PortTable } from "../../../src/policy/ports.ts";
import type { QuotaClaim } from "../../../src/policy/quota.ts";

const STEPS = 20_000;
/** So that who is done first leaves something to the others. */
const MOST_HELD = 10;

/** Where in `owners` the clock stands. */
const CLOCK = 0;

/** What one side of a race of ports saw. */
export interface PortRaceResult {
  /** Ports that were handed out to it while somebody else had them. */
  readonly doubled: number;
  readonly claims: number;
  readonly held: readonly number[];
}

/**
 * Claims and gives back at random. Beside the table, `owners` says who has a port: who claims one must find nobody there. Its first
 * word is no port, but a clock that all sides move.
 */
export function portRace(table: PortTable, random: Random, owners: Int32Array, self: number): PortRaceResult {
  const held: number[] = [];
  let doubled = 0;
  let claims = 0;
  for (let step = 0; step < STEPS; step++) {
    const nowMs = 100 * Atomics.add(owners, CLOCK, 1);
    const pair = random.below(4) === 0;
    if (held.length < MOST_HELD && random.below(2) === 0) {
      const port = table.claim(0, { even: pair, pair }, nowMs);
      if (port === undefined) continue;
      claims++;
      for (const one of pair ? [port, port + 1] : [port]) {
        if (Atomics.compareExchange(owners, one, 0, self) !== 0) doubled++;
        held.push(one);
      }
    } else if (held.length > 0) {
      const [port = 0] = held.splice(random.below(held.length), 1);
      Atomics.store(owners, port, 0);
      if (random.below(8) === 0) table.refuse(0, port, nowMs);
      else table.release(0, port, nowMs);
    }
  }
  return { doubled, claims, held };
}

/** Brings every token, in an order of its own; the indexes of those that gave a port. */
export function redeemRace(table: PortTable, random: Random, tokens: readonly Uint8Array[]): number[] {
  const start = random.below(tokens.length);
  const redeemed: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const at = (start + i) % tokens.length;
    const token = tokens[at];
    if (token && table.redeem(token, 0)) redeemed.push(at);
  }
  return redeemed;
}

/** The claims that all sides of a race of quotas count. */
export const raceClaims: readonly QuotaClaim[] = Array.from({ length: 12 }, (_, i) => ({
  project: `project_${i % 2}`,
  username: `17:project_${i % 2}:user${i % 3}`,
  label: i % 3 === 0 ? undefined : `user${i % 3}`,
  client: ipFrom(Uint8Array.of(192, 0, 2, i % 4)),
}));

/** Reserves and releases at random; what it holds at the end, as indexes of {@link raceClaims}. */
export function ledgerRace(ledger: SharedLedger, random: Random): number[] {
  const held: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    if (held.length < MOST_HELD && random.below(2) === 0) {
      const i = random.below(raceClaims.length);
      const claim = raceClaims[i];
      if (claim && ledger.reserve(claim) === "reserved") held.push(i);
    } else {
      const [i = -1] = held.splice(random.below(held.length || 1), 1);
      const claim = raceClaims[i];
      if (claim) ledger.release(claim);
    }
  }
  return held;
}

/** Runs a race on real threads that begin together; what each posted. */
export function runRace<T>(threads: number, workerData: Record<string, unknown>): Promise<T[]> {
  const start = new Int32Array(new SharedArrayBuffer(4));
  return Promise.all(
    Array.from({ length: threads }, (_, i) => {
      return new Promise<T>((resolve, reject) => {
        const worker = new Worker(new URL("./worker.ts", import.meta.url), {
          workerData: { ...workerData, start, threads, seed: i + 1 },
        });
        worker.once("message", (result: T) => {
          resolve(result);
          void worker.terminate();
        });
        worker.once("error", reject);
      });
    }),
  );
}
