import type { RelayId } from "../forward/route.ts";
import type { FiveTuple, TransportAddress } from "../net/address.ts";
import type { AlternateServer } from "./alternate.ts";
import type { EngineSettings } from "./settings.ts";
import type { ShardMessage } from "./shard-message.ts";

/** Everything that can happen to an engine. */
export type Input =
  /** A STUN message from a client; never ChannelData. The bytes are the engine's only until it returns. */
  | { readonly kind: "message"; readonly from: FiveTuple; readonly bytes: Uint8Array }
  /** Data from a peer that has no open route. `peer` is what the client would call it, not the wire. */
  | { readonly kind: "peerDatagram"; readonly relay: RelayId; readonly peer: TransportAddress; readonly bytes: Uint8Array }
  /** An ICMP error for a relayed datagram (RFC 8656 §11.6). */
  | { readonly kind: "peerUnreachable"; readonly relay: RelayId; readonly peer: TransportAddress; readonly icmp: IcmpError }
  /** ChannelData without a route, from a client that an allocation may be on its way to: only while the engine `expects`. */
  | { readonly kind: "channelData"; readonly from: FiveTuple; readonly bytes: Uint8Array }
  /** Word from another shard, or from ourselves. */
  | { readonly kind: "fromShard"; readonly message: ShardMessage }
  /** TCP allocations (RFC 6062): a peer has answered `connectPeer`, or has not. */
  | { readonly kind: "peerConnected"; readonly connection: number; readonly descriptor: number }
  | { readonly kind: "peerFailed"; readonly connection: number }
  /** A peer has connected to a relayed address. */
  | {
      readonly kind: "peerAccepted";
      readonly relay: RelayId;
      readonly peer: TransportAddress;
      readonly descriptor: number;
    }
  /** A connection that we carried for a shard has ended, whoever ended it; with the octets that passed. */
  | {
      readonly kind: "spliceEnded";
      readonly shard: number;
      readonly connection: number;
      readonly toPeer: number;
      readonly toClient: number;
    }
  /** A stream client is gone. */
  | { readonly kind: "clientClosed"; readonly from: FiveTuple }
  /** Credentials that ended before their time: a revoked username, or all of a deleted project. */
  | { readonly kind: "ended"; readonly username: string }
  | { readonly kind: "projectEnded"; readonly project: string }
  /** All that is known of credentials has changed: each live allocation's is judged again. */
  | { readonly kind: "judge" }
  /** New settings; live allocations keep what they were given. */
  | { readonly kind: "settings"; readonly settings: EngineSettings }
  /** Other gateways that clients may be sent to, those before forgotten. */
  | { readonly kind: "alternates"; readonly servers: readonly AlternateServer[] }
  /** No new allocations from now on: 300 where there is another gateway, else 508. */
  | { readonly kind: "drain" }
  /** End every allocation now, as at the end of a drain. */
  | { readonly kind: "shutdown" }
  /** `nextDeadline` has come. */
  | { readonly kind: "timeout" };

/** Type, code and data of the ICMP attribute (RFC 8656 §18.13); types and codes as on the wire of the peer's family. */
export interface IcmpError {
  readonly type: number;
  readonly code: number;
  /** For "fragmentation needed" and "packet too big": the next hop's MTU; else 0. */
  readonly data: number;
}
