import type { TransportAddress } from "../net/address.ts";

/** What a client can ask of a server; each is one transaction, with as many tries as authentication takes. */
export type TurnRequest =
  | { readonly kind: "binding" }
  /** An Allocate without credentials, for the realm and nonce of its 401: that answer is its success. */
  | { readonly kind: "challenge" }
  | ({ readonly kind: "allocate" } & AllocateWishes)
  | { readonly kind: "refresh"; readonly lifetimeSeconds?: number; readonly family?: 4 | 6; readonly ticket?: Uint8Array }
  | { readonly kind: "createPermission"; readonly peers: readonly TransportAddress[] }
  | { readonly kind: "channelBind"; readonly channel: number; readonly peer: TransportAddress }
  /** RFC 6062: a TCP connection to a peer; and the binding of one, by its CONNECTION-ID, to the stream it is asked over. */
  | { readonly kind: "connect"; readonly peer: TransportAddress }
  | { readonly kind: "connectionBind"; readonly connection: number };

/** What an Allocate may ask for beyond one relayed address (RFC 8656 §7.1). */
export interface AllocateWishes {
  readonly lifetimeSeconds?: number;
  /** REQUESTED-ADDRESS-FAMILY. */
  readonly family?: 4 | 6;
  /** ADDITIONAL-ADDRESS-FAMILY: a second relayed address, of IPv6. */
  readonly dual?: boolean;
  /** EVEN-PORT; `reserveNext` is its R bit. */
  readonly evenPort?: { readonly reserveNext: boolean };
  readonly reservationToken?: Uint8Array;
  readonly dontFragment?: boolean;
  /** A TCP allocation (RFC 6062). */
  readonly tcp?: boolean;
  /** An empty MOBILITY-TICKET: the answer shall have one (RFC 8016 §3.1.1). */
  readonly mobile?: boolean;
}

/** How a request ended. */
export type Answer = Success | Refusal | { readonly kind: "timeout" };

/** A success response; each field only where the server sent it. */
export interface Success {
  readonly kind: "success";
  /** XOR-MAPPED-ADDRESS: how the server sees the client. */
  readonly mappedAddress?: TransportAddress | undefined;
  /** XOR-RELAYED-ADDRESS: none, one, or one of each family. */
  readonly relayedAddresses: readonly TransportAddress[];
  readonly lifetimeSeconds?: number | undefined;
  readonly reservationToken?: Uint8Array | undefined;
  readonly mobilityTicket?: Uint8Array | undefined;
  /** CONNECTION-ID. */
  readonly connection?: number | undefined;
  /** The answer to a ConnectionBind: what comes behind it is the peer's. */
  readonly bound: boolean;
  readonly software?: string | undefined;
}

/** An error response that trying again does not mend. */
export interface Refusal {
  readonly kind: "refused";
  readonly code: number;
  readonly reason: string;
  /** ALTERNATE-SERVER of a 300. */
  readonly alternateServer?: TransportAddress | undefined;
}

/** Everything that can happen to a client. */
export type ClientInput =
  /** Ask something; `id` is the caller's, and comes back with the answer. */
  | { readonly kind: "ask"; readonly id: number; readonly request: TurnRequest }
  /** One whole message or ChannelData frame from the server. The bytes are the client's only until it returns. */
  | { readonly kind: "received"; readonly bytes: Uint8Array }
  /** `nextDeadline` has come. */
  | { readonly kind: "timeout" };

/** Everything a client can want done, in the order of the list. */
export type ClientOutput =
  /** To the server; padded already where the transport is a stream. */
  | { readonly kind: "transmit"; readonly bytes: Uint8Array }
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answer }
  | ({ readonly kind: "data" } & PeerData)
  /** A peer has connected to the relayed address of a TCP allocation (RFC 6062 §4.4). */
  | ({ readonly kind: "attempt" } & ConnectionAttempt);

/** A connection that waits to be bound. */
export interface ConnectionAttempt {
  readonly peer: TransportAddress;
  readonly connection: number;
}

/** What a peer sent, by a Data indication or over a channel. */
export interface PeerData {
  readonly peer: TransportAddress;
  /** The channel it came over; `undefined` for an indication. */
  readonly channel: number | undefined;
  /** A copy: the receiver's own. */
  readonly bytes: Uint8Array;
}
