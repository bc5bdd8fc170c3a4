import type { RelayId, Route } from "../forward/route.ts";
import type { FiveTuple, TransportAddress } from "../net/address.ts";
import type { TurnEvent } from "./event.ts";
import type { ShardMessage } from "./shard-message.ts";

/** Everything an engine can want done. In the order of the list; nothing else is wanted. */
export type Action =
  /** To a client. `source` is the address of ours it leaves from where that is not the one that was asked (RFC 5780). */
  | { readonly kind: "send"; readonly to: FiveTuple; readonly bytes: Uint8Array; readonly source?: TransportAddress }
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
  /** Tell another shard; one's own number means oneself, at once. */
  | { readonly kind: "toShard"; readonly shard: number; readonly message: ShardMessage }
  | { readonly kind: "report"; readonly event: TurnEvent };
