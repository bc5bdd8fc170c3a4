import type { TrafficTotals } from "../forward/traffic.ts";
import type { FiveTuple, TransportAddress } from "../net/address.ts";
import type { IpAddress } from "../net/ip.ts";
import type { QuotaClaim } from "../policy/quota.ts";
import type { KnownPeer, MissingFamily } from "./allocation.ts";
import type { AllocationFacts } from "./event.ts";
import type { RelayHandle } from "./relay-ports.ts";

/** What shards tell one another, as values that cross threads. A shard may be told by itself: nothing is different then. */
export type ShardMessage =
  /** A client of mine brings the ticket of an allocation of yours: its Refresh, whose sender has proven the password. */
  | {
      readonly kind: "ticketBrought";
      readonly shard: number;
      readonly from: FiveTuple;
      readonly bytes: Uint8Array;
      /** The shards that have said already that it is none of theirs. */
      readonly asked: readonly number[];
    }
  /** A client of mine brings the id of a TCP connection of yours: its ConnectionBind, proven. */
  | { readonly kind: "connectionWanted"; readonly shard: number; readonly from: FiveTuple; readonly bytes: Uint8Array }
  /** Your client's connection is the data connection of this peer's from now on, whose descriptor is yours. */
  | {
      readonly kind: "connectionBound";
      readonly to: FiveTuple;
      readonly bytes: Uint8Array;
      readonly shard: number;
      readonly connection: number;
      /** The number of its allocation, whose connections share what bandwidth it has. */
      readonly allocation: number;
      readonly descriptor: number;
    }
  /** Your client may go on: it was refused. */
  | { readonly kind: "connectionRefused"; readonly to: FiveTuple; readonly bytes: Uint8Array }
  /** The connection of mine that you carry is over: its allocation has ended. */
  | { readonly kind: "connectionOver"; readonly shard: number; readonly connection: number }
  /** The connection of yours that I carried has ended, and so much has passed over it. */
  | { readonly kind: "connectionEnded"; readonly connection: number; readonly toPeer: number; readonly toClient: number }
  /** Your client's answer. `expects`: it may use the allocation from now on, which is mine until it does. */
  | {
      readonly kind: "answer";
      readonly to: FiveTuple;
      readonly bytes: Uint8Array;
      readonly expects?: { readonly shard: number; readonly id: string };
    }
  /** The client has used its new address: give me the allocation. */
  | { readonly kind: "claim"; readonly shard: number; readonly tuple: string; readonly id: string }
  /** The allocation, with its descriptors: yours from now on. */
  | { readonly kind: "adopt"; readonly tuple: string; readonly allocation: MovingAllocation }
  /** My client has another allocation in mind, or has it already: keep yours where it is. */
  | { readonly kind: "declined"; readonly shard: number; readonly tuple: string; readonly id: string }
  /** Expect nothing any more for this client of yours. */
  | { readonly kind: "gone"; readonly tuple: string; readonly id: string };

/** The ticket of an allocation, brought to another shard than the owner. */
export type Brought = Extract<ShardMessage, { readonly kind: "ticketBrought" }>;

/** An allocation as a value: all there is to it between two shards (RFC 8016). Moments are monotonic milliseconds. */
export interface MovingAllocation {
  /** With the new client; the id is the old shard's. */
  readonly facts: AllocationFacts;
  readonly claim: QuotaClaim;
  readonly relayed: readonly { readonly handle: RelayHandle; readonly untilMs: number }[];
  readonly startedMs: number;
  readonly endsAtMs: number;
  readonly outlivesCredential: boolean;
  readonly transactionId: string;
  readonly reservation: Uint8Array | undefined;
  readonly missing: MissingFamily | undefined;
  /** What it has carried until now. */
  readonly carried: TrafficTotals;
  /** `movedBy`: the transaction of the last Refresh with a ticket before it moved. */
  readonly mobility: { readonly id: string; readonly generation: number; readonly movedBy: string };
  readonly permissions: readonly { readonly ip: IpAddress; readonly untilMs: number }[];
  readonly channels: readonly {
    readonly number: number;
    readonly peer: TransportAddress;
    readonly bound: boolean;
    readonly untilMs: number;
  }[];
  /** IP addresses permitted over its life, and peers bound or sent to, by their keys. */
  readonly peerIps: readonly string[];
  readonly peers: readonly (readonly [key: string, peer: KnownPeer])[];
}
