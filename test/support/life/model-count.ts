import { clientAt, SHARDS } from "./cast.ts";
import type { ModelAllocation } from "./model-allocation.ts";

/** How much there is of everything. */
export interface ModelCount {
  /** For each shard: how many allocations it has, and whether others may move to it. */
  readonly shards: readonly { allocations: number; expects: boolean }[];
  relays: number;
  routes: number;
  /** Connections to peers that are open on our side (RFC 6062). */
  descriptors: number;
}

/** Counts what allocations have. */
export function countOf(allocations: Iterable<ModelAllocation>): ModelCount {
  const shards = Array.from({ length: SHARDS }, () => ({ allocations: 0, expects: false }));
  const count = { shards, relays: 0, routes: 0, descriptors: 0 };
  for (const { tuple, move, relays, boundChannels, connections } of allocations) {
    const own = shards[clientAt(tuple).shard];
    if (own !== undefined) own.allocations++;
    const other = move && shards[clientAt(move.tuple).shard];
    if (other !== undefined) other.expects = true;
    count.relays += relays.size;
    count.routes += boundChannels;
    for (const { stage } of connections.values()) if (stage !== "connecting") count.descriptors++;
  }
  return count;
}
