import type { TrafficSlot } from "./route.ts";

/** What an allocation has carried: payload octets as the peer sees them. */
export interface TrafficTotals {
  readonly octetsToPeer: number;
  readonly octetsToClient: number;
  readonly packetsToPeer: number;
  readonly packetsToClient: number;
  /** Beyond the bandwidth limit. */
  readonly dropped: number;
}

/** Counts and limits what each allocation carries. */
export interface Traffic {
  /** A fresh slot, all zero; `undefined` if there is none left. */
  open(): TrafficSlot | undefined;
  /** Gives a slot back; its totals are read before. */
  close(slot: TrafficSlot): void;
  /** Counts one datagram; false if the bandwidth limit says it must be dropped (and counts that). */
  chargeToPeer(slot: TrafficSlot, octets: number, nowMs: number): boolean;
  chargeToClient(slot: TrafficSlot, octets: number, nowMs: number): boolean;
  totals(slot: TrafficSlot): TrafficTotals;
}
