import type { RelayId } from "../../src/forward/route.ts";
import type { Secret } from "../../src/lib/secret.ts";
import type { TransportAddress } from "../../src/net/address.ts";
import type { SimulatedPeer } from "./simulated-peer.ts";
import type { Simulation } from "./simulation.ts";

/** The monotonic clock at the beginning of every simulation. */
export const START_MONOTONIC_MS = 5_000;

/** What the shards of one process have in common. */
export interface Host {
  nowMs: number;
  relayIds: number;
  readonly open: Map<RelayId, { readonly address: TransportAddress; readonly shard: Simulation }>;
  readonly peers: Map<string, SimulatedPeer>;
  readonly shards: Simulation[];
  readonly nonceSecret: Secret;
}

/** A process at its beginning. */
export function newHost(nonceSecret: Secret): Host {
  return { nowMs: START_MONOTONIC_MS, relayIds: 0, open: new Map(), peers: new Map(), shards: [], nonceSecret };
}
