import type { RelayId, Route } from "../forward/route.ts";
import type { FiveTuple, TransportAddress } from "../net/address.ts";
import type { TurnEvent } from "./event.ts";
import type { ShardMessage } from "./shard-message.ts";

/** Everything an engine can want done. In the order of the list; nothing else is wanted. */
export type Action =
  /**
   * To a client. `source` is the address of ours it leaves from where that is not the one that was asked (RFC 5780);
   * `relayed` how many octets of it are a peer's, where it carries a datagram.
   */
  | {
      readonly kind: "send";
      readonly to: FiveTuple;
      readonly bytes: Uint8Array;
      readonly source?: TransportAddress;
      readonly relayed?: number;
    }
  /** To a peer, at its address on the wire. */
  | {
      readonly kind: "sendToPeer";
      readonly relay: RelayId;
      readonly wire: TransportAddress;
      readonly bytes: Uint8Array;
      readonly dontFragment: boolean;
    }
  | { readonly kind: "closeRelay"; readonly relay: RelayId }
  /** Adds a route, or replaces the one of the same client and channel. */
  | { readonly kind: "openRoute"; readonly route: Route }
  | { readonly kind: "closeRoute"; readonly route: Route }
  /** Close a stream: its allocation was ended by us. After what was sent before. */
  | { readonly kind: "closeClient"; readonly client: FiveTuple }
  | StreamAction
  /** Tell another shard; one's own number means oneself, at once. */
  | { readonly kind: "toShard"; readonly shard: number; readonly message: ShardMessage }
  | { readonly kind: "report"; readonly event: TurnEvent };

/** What TCP allocations want done with streams (RFC 6062). Descriptors belong to the process. */
export type StreamAction =
  /** Connect a relayed port to a peer: `peerConnected` or `peerFailed` comes of it, unless it is given up before. */
  | { readonly kind: "connectPeer"; readonly relay: RelayId; readonly connection: number; readonly wire: TransportAddress }
  | { readonly kind: "giveUpPeer"; readonly connection: number }
  /** Close a connection to a peer that nobody has bound. */
  | { readonly kind: "closePeer"; readonly descriptor: number }
  /** Read no more from a client, whose next octets may be raw; and go on reading. */
  | { readonly kind: "holdClient"; readonly client: FiveTuple }
  | { readonly kind: "releaseClient"; readonly client: FiveTuple }
  /** Pass everything between a client and a peer, until `spliceEnded`. */
  | {
      readonly kind: "splice";
      readonly client: FiveTuple;
      readonly allocation: number;
      readonly descriptor: number;
      readonly shard: number;
      readonly connection: number;
    }
  | { readonly kind: "closeSplice"; readonly shard: number; readonly connection: number };
