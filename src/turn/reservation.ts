import { NO_DEADLINE, type Timed } from "../lib/deadlines.ts";
import type { Instant } from "../lib/time.ts";
import { RESERVATION_LIFETIME_MS } from "./settings.ts";
import type { TurnState } from "./state.ts";

/** The port beside an EVEN-PORT one, kept for whoever brings the token (RFC 8656 §7.2). */
export interface Reservation extends Timed {
  readonly kind: "reservation";
  readonly token: Uint8Array;
}

/** Keeps a reserved port for its thirty seconds; any thread may redeem it meanwhile. */
export function keepReservation(state: TurnState, token: Uint8Array, now: Instant): void {
  const reservation: Reservation = { kind: "reservation", token, dueMs: NO_DEADLINE };
  state.reservations.add(reservation);
  state.deadlines.set(reservation, now.monotonicMs + RESERVATION_LIFETIME_MS);
}

/** Gives the port back, unless somebody has redeemed it. */
export function endReservation(state: TurnState, reservation: Reservation, now: Instant): void {
  state.reservations.delete(reservation);
  state.deadlines.delete(reservation);
  state.dependencies.relays.cancel(reservation.token, now.monotonicMs);
}
