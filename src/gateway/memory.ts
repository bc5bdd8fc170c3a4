import { randomBytes } from "node:crypto";
import { SharedTraffic } from "../forward/traffic.ts";
import { randomFrom } from "../lib/random.ts";
import { Counters } from "../observe/counters.ts";
import { SharedLedger } from "../policy/ledger.ts";
import { PortTable, type PortTableShape } from "../policy/ports.ts";
import type { QuotaLimits } from "../policy/quota.ts";
import { SharedRateLimit, SharedReplyBudget } from "../policy/rate.ts";
import type { SharedMemory, ShardPlan, ShardSettings } from "../threads/plan.ts";
import type { ThreadCounts } from "./derive.ts";

const SECRET_OCTETS = 32;
/** Counters that the ledger has room for: three for each allocation at most. */
const MAX_LEDGER_ENTRIES = 262_144;
/** Allocations of one thread at most; an allocation has a slot, and a thread may have them all. */
const MAX_SLOTS_OF_A_THREAD = 65_536;

/** Of who only looks at the counters. */
const NO_LIMITS: QuotaLimits = { perCredential: 0, perLabel: 0, perProject: 0 };

/** What all shards share, and what each begins with. */
export interface SharedState {
  readonly memory: SharedMemory;
  readonly shape: PortTableShape;
  /** A counter memory for each thread, the main thread's first. */
  readonly counters: readonly SharedArrayBuffer[];
  /** 32 random octets, the same on all threads. */
  readonly hashKey: Uint8Array;
  /** Relayed ports in use on all threads. */
  livePorts(): number;
  /** Quota counters above zero: none where no allocation lives. */
  quotaCounters(): number;
  /** The plan of thread number `index`, of relay and edge threads counted together, from 0. */
  shardPlan(index: number, settings: ShardSettings): Omit<ShardPlan, "mailbox">;
}

/** Makes the memory that threads share. */
export function shareState(shape: PortTableShape, region: string, { relay, edge }: ThreadCounts): SharedState {
  const threads = relay + edge;
  const ports = shape.addresses.length * (shape.lastPort - shape.firstPort + 1);
  const slots = Math.min(ports, MAX_SLOTS_OF_A_THREAD);
  const memory = {
    ports: PortTable.memory(shape),
    ledger: SharedLedger.memory(Math.min(3 * ports, MAX_LEDGER_ENTRIES)),
    replies: SharedReplyBudget.memory(),
    mints: SharedRateLimit.memory(),
    traffic: SharedTraffic.memory(threads * slots),
  };
  const counters = Array.from({ length: 1 + threads }, () => Counters.memory());
  const [nonceSecret, hashKey] = [new Uint8Array(randomBytes(SECRET_OCTETS)), new Uint8Array(randomBytes(SECRET_OCTETS))];
  const table = new PortTable(memory.ports, shape, randomFrom(randomBytes));
  const ledger = new SharedLedger(memory.ledger, NO_LIMITS, hashKey);
  return {
    memory,
    shape,
    counters,
    hashKey,
    livePorts: () => table.live,
    quotaCounters: () => ledger.size,
    shardPlan: (index, settings) => ({
      shard: index,
      shards: threads,
      processOrigin: performance.timeOrigin,
      region,
      settings,
      memory,
      counters: counters[1 + index] ?? Counters.memory(),
      trafficSlots: { first: index * slots, count: slots },
      relay: shape,
      nonceSecret,
      hashKey,
    }),
  };
}
