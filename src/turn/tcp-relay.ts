import type { RelayId } from "../forward/route.ts";
import type { Instant } from "../lib/time.ts";
import { addressKey, fiveTupleKey, ipKey, type TransportAddress } from "../net/address.ts";
import { ATTRIBUTE } from "../stun/attributes.ts";
import { CLASS, METHOD } from "../stun/header.ts";
import { Message, MessageBuilder } from "../stun/message.ts";
import type { Action } from "./action.ts";
import { authenticate } from "./authenticate.ts";
import { addConnection, type Connection, endConnection, forgetConnection } from "./connection.ts";
import type { AuthenticatedRequest } from "./request.ts";
import { answer, challenge, refuse, reject, success } from "./respond.ts";
import { CONNECTION_TIMEOUT_MS, MAX_CONNECTIONS } from "./settings.ts";
import type { ShardMessage } from "./shard-message.ts";
import { NOTHING } from "./silence.ts";
import type { TurnState } from "./state.ts";

type Wanted = Extract<ShardMessage, { readonly kind: "connectionWanted" }>;
type Bound = Extract<ShardMessage, { readonly kind: "connectionBound" }>;
type Ended = Extract<ShardMessage, { readonly kind: "connectionEnded" }>;

/** A peer has answered: the client may bind the connection, for thirty seconds (RFC 6062 §5.2). */
export function peerConnected(state: TurnState, id: number, descriptor: number, now: Instant): readonly Action[] {
  const connection = state.connections.get(id);
  if (connection?.stage.name !== "connecting") return [{ kind: "closePeer", descriptor }];
  const { request } = connection.stage;
  connection.stage = { name: "waiting", descriptor };
  state.deadlines.set(connection, now.monotonicMs + CONNECTION_TIMEOUT_MS);
  return [answer(request, success(request).add(ATTRIBUTE.connectionId, id))];
}

/** A peer cannot be reached (RFC 6062 §5.2). */
export function peerFailed(state: TurnState, id: number): readonly Action[] {
  const connection = state.connections.get(id);
  if (connection?.stage.name !== "connecting") return NOTHING;
  forgetConnection(state, connection);
  return reject(connection.stage.request, 447);
}

/** A peer has connected by itself: the client is told, if it has permitted it (RFC 6062 §5.3). */
export function peerAccepted(
  state: TurnState,
  relay: RelayId,
  peer: TransportAddress,
  descriptor: number,
  now: Instant,
): readonly Action[] {
  const allocation = state.byRelay(relay);
  const isWelcome =
    allocation?.permissions.has(ipKey(peer.ip)) === true &&
    allocation.connections.size < MAX_CONNECTIONS &&
    !allocation.connections.has(addressKey(peer));
  if (allocation === undefined || !isWelcome) return [{ kind: "closePeer", descriptor }];
  const { id } = addConnection(state, allocation, peer, { name: "waiting", descriptor }, now);
  const indication = new MessageBuilder(METHOD.connectionAttempt, CLASS.indication, state.transactionIds.next())
    .add(ATTRIBUTE.connectionId, id)
    .add(ATTRIBUTE.xorPeerAddress, peer);
  return [{ kind: "send", to: allocation.client, bytes: indication.build() }];
}

/** A client of some shard wants to bind a connection of ours: answers it by way of that shard (RFC 6062 §5.4). */
export function connectionWanted(state: TurnState, { shard, from, bytes }: Wanted, now: Instant): readonly Action[] {
  const message = Message.decode(bytes);
  if (message === undefined) return NOTHING;
  // A connection's number is its thread's own.
  const bare = { message, from, tuple: `of ${shard}: ${fiveTupleKey(from)}` };
  const request = authenticate(state, bare, true, now);
  if ("code" in request) {
    return refused(shard, request.code === 400 ? refuse(bare, 400) : challenge(state, bare, request, now));
  }
  const connection = state.connections.get(message.connectionId ?? -1);
  if (connection?.stage.name !== "waiting") return refused(shard, reject(request, 400));
  const { facts, outlivesCredential } = connection.allocation;
  if (facts.username !== request.username) return refused(shard, reject(request, 441));
  const hasExpired = now.unixMs >= request.known.expiresUnixMs;
  if (hasExpired && !outlivesCredential) return refused(shard, challenge(state, bare, { code: 401 }, now));
  return bound(state, connection, connection.stage.descriptor, shard, request);
}

/** The owner has agreed: its answer goes to the client, and after it all that the peer says. */
export function spliceOf({ to, bytes, ...peer }: Bound): readonly Action[] {
  return [
    { kind: "send", to, bytes },
    { ...peer, kind: "splice", client: to },
  ];
}

/** A connection of ours has ended where it was carried, be it after its allocation. */
export function connectionEnded(state: TurnState, { connection: id, toPeer, toClient }: Ended): readonly Action[] {
  const connection = state.connections.get(id);
  const told: Action = { kind: "report", event: { type: "connectionOver", octetsToPeer: toPeer, octetsToClient: toClient } };
  if (connection === undefined) return [told];
  const { allocation } = connection;
  const { carried } = allocation;
  allocation.carried = {
    ...carried,
    octetsToPeer: carried.octetsToPeer + toPeer,
    octetsToClient: carried.octetsToClient + toClient,
  };
  forgetConnection(state, connection);
  return [told];
}

/** Thirty seconds are over: for the peer to answer, or for the client to bind. */
export function expireConnection(state: TurnState, connection: Connection, actions: Action[]): void {
  const { stage } = connection;
  endConnection(state, connection, actions);
  if (stage.name === "connecting") actions.push(...reject(stage.request, 447));
}

function bound(
  state: TurnState,
  connection: Connection,
  descriptor: number,
  shard: number,
  request: AuthenticatedRequest,
): readonly Action[] {
  connection.stage = { name: "bound", shard };
  state.deadlines.delete(connection);
  const { to, bytes } = answer(request, success(request));
  const message: ShardMessage = {
    kind: "connectionBound",
    to,
    bytes,
    shard: state.dependencies.shard,
    connection: connection.id,
    allocation: connection.allocation.facts.id,
    descriptor,
  };
  return [{ kind: "toShard", shard, message }];
}

function refused(shard: number, actions: readonly Action[]): Action[] {
  return actions.map((action) => {
    if (action.kind !== "send") return action;
    return { kind: "toShard", shard, message: { kind: "connectionRefused", to: action.to, bytes: action.bytes } };
  });
}
