import type { TrafficTotals } from "../forward/traffic.ts";
import { unreachable } from "../lib/assert.ts";
import { readUint16 } from "../lib/bytes.ts";
import type { Instant } from "../lib/time.ts";
import { type FiveTuple, fiveTupleKey, type TransportAddress } from "../net/address.ts";
import type { IpAddress } from "../net/ip.ts";
import type { Sheddable } from "../policy/pressure.ts";
import { isChannelNumber } from "../stun/channel-data.ts";
import { ATTRIBUTE, mustBeUnderstood } from "../stun/attributes.ts";
import { checkFingerprint } from "../stun/fingerprint.ts";
import { CLASS, METHOD } from "../stun/header.ts";
import { Message } from "../stun/message.ts";
import type { Action } from "./action.ts";
import type { Allocation } from "./allocation.ts";
import { adopt } from "./adopt.ts";
import { authenticate } from "./authenticate.ts";
import { expireChannel } from "./channel.ts";
import { channelData } from "./channel-data.ts";
import { clientClosed } from "./client-closed.ts";
import type { EngineDependencies } from "./dependencies.ts";
import { endAllocation, endRelayed } from "./end.ts";
import type { AllocationFacts, EndReason } from "./event.ts";
import { keepWaiting, usesNewAddress } from "./expected-move.ts";
import type { Input } from "./input.ts";
import { HANDLERS, type Handler, TCP_HANDLERS } from "./methods.ts";
import { binding } from "./methods/binding.ts";
import { send } from "./methods/send.ts";
import { claimed, declined, ticketAnswered, ticketBrought } from "./mobility.ts";
import { peerDatagram, peerUnreachable } from "./peer-data.ts";
import { expirePermission } from "./permission.ts";
import type { Request } from "./request.ts";
import { endReservation } from "./reservation.ts";
import { challenge, refuse, reject } from "./respond.ts";
import type { EngineSettings } from "./settings.ts";
import type { MovingAllocation, ShardMessage } from "./shard-message.ts";
import { IGNORED, NOTHING } from "./silence.ts";
import {
  connectionEnded,
  connectionWanted,
  expireConnection,
  peerAccepted,
  peerConnected,
  peerFailed,
  spliceOf,
} from "./tcp-relay.ts";
import { type Expiring, TurnState } from "./state.ts";

/** A live allocation, as administration sees it. */
export interface AllocationView {
  readonly facts: AllocationFacts;
  /** The relayed addresses that are left: a dual allocation can lose one. */
  readonly relayed: readonly TransportAddress[];
  /** When it expires if nothing refreshes it; monotonic milliseconds. */
  readonly expiresMs: number;
  /** The IP addresses that are permitted now. */
  readonly peers: readonly IpAddress[];
  readonly traffic: TrafficTotals;
}

/**
 * TURN without sockets, clock or chance of its own: everything comes in as an {@link Input}, everything to be done goes
 * out as an {@link Action}, and between two inputs nothing happens.
 *
 * Here is the order of things: what has expired ends first; then a message is decoded, its FINGERPRINT checked, its
 * sender's nonce and budget, its credentials, its attributes, and its method carried out.
 *
 * @example
 * ```ts
 * for (const action of engine.handle({ kind: "message", from, bytes }, clock.now())) perform(action);
 * ```
 */
export class Engine {
  readonly #state: TurnState;

  constructor(settings: EngineSettings, dependencies: EngineDependencies) {
    this.#state = new TurnState(settings, dependencies);
  }

  /** When `timeout` is to be handed in; monotonic milliseconds, `undefined` for never. */
  get nextDeadline(): number | undefined {
    return this.#state.deadlines.next;
  }

  /** How many allocations live. */
  get allocations(): number {
    return this.#state.allocationCount;
  }

  /** Whether allocations may be on their way to clients here: then ChannelData without a route is to be handed in. */
  get expects(): boolean {
    return this.#state.expected.size > 0;
  }

  /** Every live allocation; to be read through before the next input. */
  *describe(): Generator<AllocationView> {
    for (const allocation of this.#state.allocations) {
      yield {
        facts: allocation.facts,
        relayed: allocation.relayed.map(({ relay }) => relay.address),
        expiresMs: Math.max(...allocation.relayed.map((relayed) => this.#state.deadlines.of(relayed) ?? 0)),
        peers: [...allocation.permissions.values()].map(({ ip }) => ip),
        traffic: this.#state.carriedBy(allocation),
      };
    }
  }

  /**
   * Takes one step.
   *
   * @param input its bytes are read until this returns; `sendToPeer` may point into them, so that the actions are to be
   *   performed before the bytes are used again
   * @returns all there is to do, in this order
   */
  handle(input: Input, now: Instant): readonly Action[] {
    const expired = this.#expire(now);
    const actions = this.#step(input, now);
    if (expired.length === 0) return actions;
    return actions.length === 0 ? expired : [...expired, ...actions];
  }

  #step(input: Input, now: Instant): readonly Action[] {
    switch (input.kind) {
      case "message":
        return this.#message(input.from, input.bytes, now);
      case "peerDatagram":
        return peerDatagram(this.#state, input.relay, input.peer, input.bytes, now);
      case "peerUnreachable":
        return peerUnreachable(this.#state, input.relay, input.peer, input.icmp);
      case "peerConnected":
        return peerConnected(this.#state, input.connection, input.descriptor, now);
      case "peerFailed":
        return peerFailed(this.#state, input.connection);
      case "peerAccepted":
        return peerAccepted(this.#state, input.relay, input.peer, input.descriptor, now);
      case "spliceEnded":
        return [{ kind: "toShard", shard: input.shard, message: { ...input, kind: "connectionEnded" } }];
      case "channelData":
        return this.#channelData(input.from, input.bytes, now);
      case "fromShard":
        return this.#fromShard(input.message, now);
      case "clientClosed":
        return clientClosed(this.#state, fiveTupleKey(input.from), now);
      case "ended":
        return this.#end(this.#state.ofUsername(input.username), "revoked", now);
      case "projectEnded":
        return this.#end(this.#state.ofProject(input.project), "project deleted", now);
      case "judge":
        return this.#end(this.#unknown(now), "revoked", now);
      case "settings":
        this.#state.settings = input.settings;
        return NOTHING;
      case "alternates":
        this.#state.alternates = input.servers;
        return NOTHING;
      case "drain":
        this.#state.draining = true;
        return NOTHING;
      case "shutdown":
        return this.#shutdown(now);
      case "timeout":
        return NOTHING;
      default:
        return unreachable(input);
    }
  }

  #message(from: FiveTuple, bytes: Uint8Array, now: Instant): readonly Action[] {
    if (from.client.port === 0) return IGNORED.malformed;
    const message = Message.decode(bytes);
    if (message === undefined || checkFingerprint(message) === "wrong") return IGNORED.malformed;
    const expected = this.expects ? this.#state.expected.get(fiveTupleKey(from)) : undefined;
    if (expected !== undefined && usesNewAddress(message)) {
      return keepWaiting(this.#state, expected, fiveTupleKey(from), from, bytes);
    }
    if (message.class === CLASS.indication && message.method === METHOD.send) return send(this.#state, message, from, now);

    if (message.class !== CLASS.request) return IGNORED["not a request"];
    const request = { message, from, tuple: fiveTupleKey(from) };
    if (message.method === METHOD.binding) {
      if (this.#sheds("binding")) return IGNORED.pressure;
      return this.#affords(from, now) ? binding(this.#state.settings, request) : IGNORED.budget;
    }
    const { tcpRelay } = this.#state.settings;
    const handler = HANDLERS.get(message.method) ?? (tcpRelay ? TCP_HANDLERS.get(message.method) : undefined);
    return handler === undefined ? IGNORED["not a request"] : this.#request(request, handler, now);
  }

  /** ChannelData of a client whose allocation may be on its way: it waits, too. */
  #channelData(from: FiveTuple, bytes: Uint8Array, now: Instant): readonly Action[] {
    const tuple = fiveTupleKey(from);
    const expected = this.#state.expected.get(tuple);
    return expected === undefined
      ? channelData(this.#state, tuple, bytes, now)
      : keepWaiting(this.#state, expected, tuple, from, bytes);
  }

  #fromShard(message: ShardMessage, now: Instant): readonly Action[] {
    const state = this.#state;
    switch (message.kind) {
      case "ticketBrought":
        return ticketBrought(state, message, now);
      case "answer":
        return ticketAnswered(state, message);
      case "claim":
        return claimed(state, message, now);
      case "declined":
        return declined(state, message);
      case "adopt":
        return this.#adopt(message.tuple, message.allocation, now);
      case "gone":
        return this.#replay(state.expected.get(message.tuple)?.id === message.id ? message.tuple : "", now);
      case "connectionWanted":
        return connectionWanted(state, message, now);
      case "connectionEnded":
        return connectionEnded(state, message);
      case "connectionBound":
        return spliceOf(message);
      case "connectionRefused":
        return [
          { kind: "send", to: message.to, bytes: message.bytes },
          { kind: "releaseClient", client: message.to },
        ];
      case "connectionOver":
        return [{ kind: "closeSplice", shard: message.shard, connection: message.connection }];
      default:
        return unreachable(message);
    }
  }

  #adopt(tuple: string, value: MovingAllocation, now: Instant): readonly Action[] {
    const actions: Action[] = [];
    const expected = this.#state.expected.get(tuple);
    const isAnothers = expected !== undefined && expected.id !== value.mobility.id;
    const isFree = !isAnothers && this.#state.at(tuple) === undefined;
    adopt(this.#state, isFree ? tuple : undefined, value, now, actions);
    if (!isAnothers) actions.push(...this.#replay(tuple, now));
    if (isFree && expected?.isGone !== false) actions.push(...clientClosed(this.#state, tuple, now));
    return actions;
  }

  /** What an expected client has said meanwhile is taken up, in its order. */
  #replay(tuple: string, now: Instant): readonly Action[] {
    const { waiting, brought } = this.#state.expected.get(tuple) ?? { waiting: [], brought: [] };
    this.#state.expected.delete(tuple);
    const said = waiting.flatMap(({ from, bytes }) =>
      isChannelNumber(readUint16(bytes, 0)) ? this.#channelData(from, bytes, now) : this.#message(from, bytes, now),
    );
    // Tickets come behind what was said: they may take the relay away that it leaves by.
    const { shard } = this.#state.dependencies;
    return [...said, ...brought.map((message): Action => ({ kind: "toShard", shard, message }))];
  }

  #request(request: Request, handler: Handler, now: Instant): readonly Action[] {
    const state = this.#state;
    const { message, from } = request;
    const { nonce } = message;
    const isStranger = state.at(request.tuple) === undefined;
    const isNew = isStranger && message.method === METHOD.allocate;
    if (isNew && this.#sheds("allocation")) return IGNORED.pressure;
    const freshNonce = nonce !== undefined && state.nonces.isValid(nonce, from, now);
    if (!freshNonce && isStranger && this.#sheds("challenge")) return IGNORED.pressure;
    if (!freshNonce && !this.#affords(from, now)) return IGNORED.budget;
    if (!state.settings.relayEnabled && isStranger) return refuse(request, 403);

    const outcome = authenticate(state, request, freshNonce, now);
    if ("code" in outcome) return outcome.code === 400 ? refuse(request, 400) : challenge(state, request, outcome, now);
    if (isNew && state.dependencies.pressure?.refuses === true) return reject(outcome, 508);
    const unknown = message.unknownRequired;
    if (unknown.length > 0) return reject(outcome, 420, unknown);
    if (message.malformed.some(isOurs)) return reject(outcome, 400);
    return handler(state, outcome, now);
  }

  /** Whether a reply may go to a client that has shown no nonce of ours; over UDP its address may be another's. */
  #affords(from: FiveTuple, now: Instant): boolean {
    return from.transport !== "udp" || this.#state.dependencies.budget.allows(from.client.ip, now.monotonicMs);
  }

  /** Whether there is too much to do for this; what a live allocation asks for is always done. */
  #sheds(what: Sheddable): boolean {
    return this.#state.dependencies.pressure?.sheds(what) === true;
  }

  #end(allocations: Iterable<Allocation>, reason: EndReason, now: Instant): Action[] {
    const actions: Action[] = [];
    for (const allocation of allocations) endAllocation(this.#state, allocation, reason, now, actions);
    return actions;
  }

  /** Allocations whose credential is none any more. */
  #unknown(now: Instant): Allocation[] {
    const { authority } = this.#state.dependencies;
    return [...this.#state.allocations].filter(({ facts }) => authority.judge(facts.username, now) === undefined);
  }

  #shutdown(now: Instant): Action[] {
    this.#state.draining = true;
    for (const reservation of this.#state.reservations) endReservation(this.#state, reservation, now);
    return this.#end([...this.#state.allocations], "shutdown", now);
  }

  /** Ends all whose time has come, the earliest first. */
  #expire(now: Instant): readonly Action[] {
    const next = this.#state.deadlines.next;
    if (next === undefined || next > now.monotonicMs) return NOTHING;
    const actions: Action[] = [];
    for (let due = this.#due(now); due !== undefined; due = this.#due(now)) this.#expireOne(due, now, actions);
    return actions;
  }

  #due(now: Instant): Expiring | undefined {
    return this.#state.deadlines.take(now.monotonicMs);
  }

  #expireOne(due: Expiring, now: Instant, actions: Action[]): void {
    switch (due.kind) {
      case "relayed address":
        return endRelayed(this.#state, due, due.allocation.abandoned ? "client disconnected" : "expired", now, actions);
      case "permission":
        return expirePermission(due, actions);
      case "channel":
        return expireChannel(this.#state, due, now.monotonicMs, actions);
      case "connection":
        return expireConnection(this.#state, due, actions);
      case "reservation":
        return endReservation(this.#state, due, now);
      case "look":
        return this.#state.inside.look(this.#state, now, actions);
      default:
        return unreachable(due);
    }
  }
}

/** Attributes whose value must be right: those that must be understood, and the one of TURN's that need not. */
function isOurs(type: number): boolean {
  return mustBeUnderstood(type) || type === ATTRIBUTE.additionalAddressFamily.type;
}
