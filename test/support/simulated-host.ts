import type { RelayId } from "../../src/forward/route.ts";
import type { Secret } from "../../src/lib/secret.ts";
import type { TransportAddress } from "../../src/net/address.ts";
import type { EngineSettings } from "../../src/turn/settings.ts";
import type { SimulatedPeer } from "./simulated-peer.ts";
import type { Simulation } from "./simulation.ts";

/** The monotonic clock at the beginning of every simulation. */
export const START_MONOTONIC_MS = 5_000;

/** What an engine is told where a test does not say otherwise. */
export const SETTINGS: EngineSettings = {
  realm: "relay.example.com",
  relayEnabled: true,
  onExpiry: "finish",
  maxAllocationAgeSeconds: 86_400,
  peersPerAllocation: 256,
  dontFragment: true,
  mobility: true,
  tcpRelay: false,
  behaviorDiscovery: [],
};

/** A relayed port that is open, for datagrams or for TCP connections. */
export interface OpenRelay {
  readonly address: TransportAddress;
  readonly shard: Simulation;
  readonly isTcp: boolean;
}

/** What the shards of one process have in common. */
export interface Host {
  nowMs: number;
  /** How far the wall clock was put forward. */
  unixOffsetMs: number;
  relayIds: number;
  readonly open: Map<RelayId, OpenRelay>;
  readonly peers: Map<string, SimulatedPeer>;
  readonly shards: Simulation[];
  readonly nonceSecret: Secret;
}

/** A process at its beginning. */
export function newHost(nonceSecret: Secret): Host {
  return { nowMs: START_MONOTONIC_MS, unixOffsetMs: 0, relayIds: 0, open: new Map(), peers: new Map(), shards: [], nonceSecret };
}
