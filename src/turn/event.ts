import type { TransportAddress } from "../net/address.ts";
import type { TrafficTotals } from "../forward/traffic.ts";
import type { FiveTuple } from "../net/address.ts";

/** Why an allocation ended. */
export type EndReason = "expired" | "closed by client" | "client disconnected" | "revoked" | "project deleted" | "shutdown";

/** What an engine tells about: facts, not messages. */
export type TurnEvent =
  | { readonly type: "allocated"; readonly allocation: AllocationFacts }
  | {
      readonly type: "allocationEnded";
      readonly allocation: AllocationFacts;
      readonly durationMs: number;
      readonly traffic: TrafficTotals;
      readonly reason: EndReason;
    }
  /** An allocation has left for its client's new address, and has come there: on one shard or on two. */
  | { readonly type: "movedAway"; readonly allocation: AllocationFacts }
  | { readonly type: "movedHere"; readonly allocation: AllocationFacts }
  | { readonly type: "permitted"; readonly allocation: number; readonly username: string; readonly peer: TransportAddress }
  | { readonly type: "channelBound"; readonly allocation: number; readonly username: string; readonly number: number }
  /** A peer that policy refuses, with the rule that decided. */
  | { readonly type: "peerDenied"; readonly username: string; readonly peer: TransportAddress; readonly rule: string }
  /** A request answered with an error, but for the first 401 that every client gets. `username` only where it was proven. */
  | {
      readonly type: "rejected";
      readonly method: number;
      readonly code: number;
      readonly username?: string;
      readonly from: FiveTuple;
    }
  /** A datagram that no route carries is beyond its allocation's bandwidth. */
  | { readonly type: "overBandwidth" }
  /** A TCP connection to a peer is over, which has carried so many octets (RFC 6062). */
  | { readonly type: "connectionOver"; readonly octetsToPeer: number; readonly octetsToClient: number }
  /** What strangers cause and nobody answers: only counted. */
  | { readonly type: "ignored"; readonly why: IgnoredReason };

/** Why a message got no answer. */
export type IgnoredReason = "malformed" | "not a request" | "budget" | "pressure" | "no permission" | "no allocation";

/** What does not change in the life of an allocation. */
export interface AllocationFacts {
  /** Counts up on its thread. */
  readonly id: number;
  readonly project: string;
  readonly username: string;
  readonly label: string | undefined;
  readonly client: FiveTuple;
  /** As clients and peers see them: one, or one of each family. */
  readonly relayed: readonly TransportAddress[];
  readonly startedUnixMs: number;
}
