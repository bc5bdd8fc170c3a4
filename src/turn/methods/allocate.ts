import type { TrafficSlot } from "../../forward/route.ts";
import { octetKey } from "../../lib/bytes.ts";
import type { Instant } from "../../lib/time.ts";
import type { QuotaClaim } from "../../policy/quota.ts";
import { ATTRIBUTE } from "../../stun/attributes.ts";
import { reasonFor } from "../../stun/errors.ts";
import type { Message } from "../../stun/message.ts";
import type { Action } from "../action.ts";
import { Allocation, type MissingFamily } from "../allocation.ts";
import { sendElsewhere } from "../alternate.ts";
import { grant } from "../lifetime.ts";
import { ticketOf } from "../mobility.ts";
import type { NoRelay, Relay } from "../relay-ports.ts";
import type { AuthenticatedRequest } from "../request.ts";
import { keepReservation } from "../reservation.ts";
import { answer, reject, success } from "../respond.ts";
import type { TurnState } from "../state.ts";

// As IP numbers its protocols.
const UDP = 17;
const TCP = 6;

/** What was opened for an Allocate. */
interface Opened {
  readonly relays: readonly Relay[];
  readonly reservation?: Uint8Array;
  readonly missing?: MissingFamily;
}

/**
 * Allocate: a relayed transport address, or one of each family. A retransmission gets the answer again.
 *
 * @see RFC 8656 §7.2, whose order of checks this is
 */
export function allocate(state: TurnState, request: AuthenticatedRequest, now: Instant): readonly Action[] {
  const existing = state.at(request.tuple);
  if (existing !== undefined) {
    return isRetransmission(existing, request) ? [allocated(state, existing, request, now)] : reject(request, 437);
  }
  const isTcp = request.message.requestedTransport === TCP && state.settings.tcpRelay;
  const fault = isTcp ? tcpFaultOf(request) : faultOf(request.message);
  if (fault !== undefined) return reject(request, fault);
  if (!isTcp && !state.settings.dontFragment && request.message.has(ATTRIBUTE.dontFragment.type)) {
    return reject(request, 420, [ATTRIBUTE.dontFragment.type]);
  }
  if (request.message.mobilityTicket !== undefined && (isTcp || !mayMove(state))) return reject(request, 405);
  if (state.draining) return sendElsewhere(state, request);

  const claim = claimOf(request);
  const reserved = state.dependencies.quota.reserve(claim);
  if (reserved !== "reserved") return reject(request, reserved === "quota" ? 486 : 508);
  const traffic = state.dependencies.traffic.open();
  const opened = traffic === undefined ? 508 : open(state, request.message, isTcp, now);
  if (traffic === undefined || typeof opened === "number") {
    if (traffic !== undefined) state.dependencies.traffic.close(traffic);
    state.dependencies.quota.release(claim);
    return reject(request, typeof opened === "number" ? opened : 508);
  }
  return begin(state, request, opened, { traffic, claim, isTcp }, now);
}

/** What is wrong with the attributes, each alone and all together. */
function faultOf(message: Message): 400 | 440 | 442 | undefined {
  const transport = message.requestedTransport;
  if (transport === undefined) return 400;
  if (transport !== UDP) return 442;
  // An empty ticket asks for one (RFC 8016 §3.1.2).
  if ((message.mobilityTicket?.length ?? 0) > 0) return 400;
  const { requestedAddressFamily: requested, additionalAddressFamily: additional, evenPort } = message;
  if (message.reservationToken !== undefined && (evenPort ?? requested ?? additional) !== undefined) return 400;
  if (requested !== undefined && additional !== undefined) return 400;
  if (requested === "unknown") return 440;
  if (additional === undefined) return undefined;
  return additional !== 6 || evenPort?.reserveNext === true ? 400 : undefined;
}

/** A TCP allocation is made over a stream, and has nothing that goes with datagrams (RFC 6062 §5.1). */
function tcpFaultOf({ message, from }: AuthenticatedRequest): 400 | 440 | undefined {
  const { requestedAddressFamily, additionalAddressFamily, evenPort, reservationToken, mobilityTicket } = message;
  const isForDatagrams = (evenPort ?? reservationToken ?? additionalAddressFamily) !== undefined;
  if (from.transport === "udp" || isForDatagrams || message.has(ATTRIBUTE.dontFragment.type)) return 400;
  if ((mobilityTicket?.length ?? 0) > 0) return 400;
  return requestedAddressFamily === "unknown" ? 440 : undefined;
}

/** Opens what is asked for; of a dual allocation one address is enough. */
function open(state: TurnState, message: Message, tcp: boolean, now: Instant): Opened | 440 | 508 {
  const { relays } = state.dependencies;
  if (message.reservationToken !== undefined) {
    const redeemed = relays.redeem(message.reservationToken, now.monotonicMs);
    return redeemed === undefined ? 508 : { relays: [redeemed] };
  }
  const { requestedAddressFamily: requested, evenPort } = message;
  const even = evenPort !== undefined;
  if (message.additionalAddressFamily !== undefined) return openBoth(state, even, now);
  const family = requested === 6 ? 6 : 4;
  const opened = relays.open({ family, even, reserveNext: evenPort?.reserveNext === true, tcp }, now.monotonicMs);
  if (typeof opened === "string") return codeOf(opened);
  return opened.reservation === undefined ? { relays: [opened] } : { relays: [opened], reservation: opened.reservation };
}

function openBoth(state: TurnState, even: boolean, now: Instant): Opened | 440 | 508 {
  const relays: Relay[] = [];
  const failures: MissingFamily[] = [];
  for (const family of [4, 6] as const) {
    const opened = state.dependencies.relays.open({ family, even, reserveNext: false }, now.monotonicMs);
    if (typeof opened === "string") failures.push({ family, code: codeOf(opened) });
    else relays.push(opened);
  }
  const [missing] = failures;
  if (missing === undefined) return { relays };
  if (relays.length > 0) return { relays, missing };
  return failures.every(({ code }) => code === missing.code) ? missing.code : 508;
}

function codeOf(why: NoRelay): 440 | 508 {
  return why === "exhausted" ? 508 : 440;
}

/** Makes the allocation: from here on nothing can fail. */
function begin(
  state: TurnState,
  request: AuthenticatedRequest,
  { relays, reservation, missing }: Opened,
  { traffic, claim, isTcp }: { readonly traffic: TrafficSlot; readonly claim: QuotaClaim; readonly isTcp: boolean },
  now: Instant,
): Action[] {
  const { onExpiry, maxAllocationAgeSeconds } = state.settings;
  const { known, username, from, tuple, message } = request;
  const cutsAtMs = onExpiry === "cut" ? now.monotonicMs + known.expiresUnixMs - now.unixMs : Infinity;
  const endsAtMs = Math.min(now.monotonicMs + maxAllocationAgeSeconds * 1000, cutsAtMs);
  const allocation = new Allocation({
    facts: {
      id: state.nextId(),
      project: known.project,
      username,
      label: known.label,
      client: from,
      relayed: relays.map(({ address }) => address),
      startedUnixMs: now.unixMs,
    },
    tuple,
    claim,
    traffic,
    relays,
    startedMs: now.monotonicMs,
    endsAtMs,
    outlivesCredential: onExpiry === "finish",
    transactionId: octetKey(message.transactionId),
    reservation,
    missing,
    isTcp,
    mobility: message.mobilityTicket && { id: state.tickets.newId(), generation: 0, move: undefined, movedBy: undefined },
  });
  const { seconds, untilMs } = grant(message.lifetime, endsAtMs, now);
  state.add(allocation, untilMs);
  if (reservation !== undefined) keepReservation(state, reservation, now);
  return [
    { kind: "report", event: { type: "allocated", allocation: allocation.facts } },
    allocatedFor(seconds, allocation, request, ticketOf(state, allocation)),
  ];
}

function mayMove(state: TurnState): boolean {
  return state.settings.mobility && state.dependencies.relays.canSurrender;
}

function isRetransmission(allocation: Allocation, { message, username }: AuthenticatedRequest): boolean {
  return allocation.facts.username === username && allocation.transactionId === octetKey(message.transactionId);
}

/** The answer to a retransmission: as it was, with the time that is left. */
function allocated(state: TurnState, allocation: Allocation, request: AuthenticatedRequest, now: Instant): Action {
  const [first] = allocation.relayed;
  const seconds = first === undefined ? 0 : state.secondsLeft(first, now);
  return allocatedFor(seconds, allocation, request, ticketOf(state, allocation));
}

function allocatedFor(seconds: number, allocation: Allocation, request: AuthenticatedRequest, ticket?: Uint8Array): Action {
  const reply = success(request);
  for (const { relay } of allocation.relayed) reply.add(ATTRIBUTE.xorRelayedAddress, relay.address);
  reply.add(ATTRIBUTE.lifetime, seconds);
  if (allocation.reservation !== undefined) reply.add(ATTRIBUTE.reservationToken, allocation.reservation);
  reply.add(ATTRIBUTE.xorMappedAddress, request.from.client);
  if (ticket !== undefined) reply.add(ATTRIBUTE.mobilityTicket, ticket);
  const { missing } = allocation;
  if (missing !== undefined) reply.add(ATTRIBUTE.addressErrorCode, { ...missing, reason: reasonFor(missing.code) });
  return answer(request, reply);
}

function claimOf({ known: { project, label }, username, from }: AuthenticatedRequest): QuotaClaim {
  return { project, username, label, client: from.client.ip };
}
