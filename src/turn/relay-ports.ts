import type { RelayId } from "../forward/route.ts";
import type { TransportAddress } from "../net/address.ts";

/** A relayed transport address that is open and ours. */
export interface Relay {
  readonly id: RelayId;
  /** As XOR-RELAYED-ADDRESS shows it. */
  readonly address: TransportAddress;
}

/** A relayed port as the table of all threads knows it: the number of its address, and the port. */
export interface RelayPlace {
  readonly address: number;
  readonly port: number;
}

/** An open relay that belongs to no shard just now, with its descriptor, which belongs to the process. */
export interface RelayHandle extends RelayPlace {
  readonly descriptor: number;
}

/** What Allocate asks for. */
export interface RelayRequest {
  readonly family: 4 | 6;
  /** EVEN-PORT: the port must be even. */
  readonly even: boolean;
  /** EVEN-PORT with R: and the next one up is reserved. */
  readonly reserveNext: boolean;
  /** A port for TCP connections instead of datagrams (RFC 6062 §5.1). */
  readonly tcp?: boolean;
}

/** A relay, and the token of the port reserved beside it, if one was asked for. */
export interface OpenedRelay extends Relay {
  readonly reservation?: Uint8Array;
}

/** Why there is none: no local address of that family (440), or no free port or descriptor (508). */
export type NoRelay = "no address of this family" | "exhausted";

/**
 * Relayed ports, opened while the request waits: claims a port in the table that all threads share, opens and binds
 * its socket. What is closed is closed by the action `closeRelay`.
 */
export interface RelayPorts {
  open(request: RelayRequest, nowMs: number): OpenedRelay | NoRelay;
  /** The relay that a RESERVATION-TOKEN stands for, whichever thread reserved it; `undefined` for an unknown or old one. */
  redeem(token: Uint8Array, nowMs: number): Relay | undefined;
  /** Gives a reserved port back if nobody has redeemed it. */
  cancel(token: Uint8Array, nowMs: number): void;
  /** Where packets for a peer go: its address, or the local one of a relay of ours that is shown by an external one. */
  wireOf(peer: TransportAddress): TransportAddress;
  /** Whether this is the relayed address of a live allocation, on whichever thread, as it is shown. */
  isLive(address: TransportAddress): boolean;
  /** Whether relays can be given away at all. */
  readonly canSurrender: boolean;
  /** Where a relay of this shard lies. */
  placeOf(relay: RelayId): RelayPlace | undefined;
  /** The shard whose relay lies there now; `undefined` if there is none. */
  ownerOf(place: RelayPlace): number | undefined;
  /** Gives a relay away to a shard, which owns it from now on, open as it is, with the data that waits in it; `undefined` if the system cannot. */
  surrender(relay: RelayId, to: number): RelayHandle | undefined;
  /** Takes a relay that another shard gave away; `undefined` if the system refuses: it is closed then. */
  adopt(handle: RelayHandle, nowMs: number): Relay | undefined;
}
