import { NO_DEADLINE, type Timed } from "../lib/deadlines.ts";
import type { Instant } from "../lib/time.ts";
import type { TransportAddress } from "../net/address.ts";
import { addressKey } from "../net/address.ts";
import type { Action } from "./action.ts";
import type { Allocation } from "./allocation.ts";
import type { AuthenticatedRequest } from "./request.ts";
import { CONNECTION_TIMEOUT_MS } from "./settings.ts";
import type { TurnState } from "./state.ts";

/** A TCP connection between a relayed address and a peer (RFC 6062 §3). */
export interface Connection extends Timed {
  readonly kind: "connection";
  /** CONNECTION-ID: names its shard, too. */
  readonly id: number;
  readonly allocation: Allocation;
  readonly peer: TransportAddress;
  readonly key: string;
  stage: Stage;
}

/** How far it has come. */
type Stage =
  /** The peer has not answered yet, and so nor have we. */
  | { readonly name: "connecting"; readonly request: AuthenticatedRequest }
  /** For the client to bind it. */
  | { readonly name: "waiting"; readonly descriptor: number }
  /** Carried by the shard where the client's data connection came. */
  | { readonly name: "bound"; readonly shard: number };

/** Of a CONNECTION-ID, the low bits are chance and the others the number of the shard. */
const CHANCE = 2 ** 20;

/** The shard whose connection has this id. */
export function shardOf(id: number): number {
  return Math.floor(id / CHANCE);
}

/** Begins a connection, which has thirty seconds for each of its first two stages. */
export function addConnection(
  state: TurnState,
  allocation: Allocation,
  peer: TransportAddress,
  stage: Stage,
  now: Instant,
): Connection {
  const key = addressKey(peer);
  const connection: Connection = { kind: "connection", id: freshId(state), allocation, peer, key, stage, dueMs: NO_DEADLINE };
  state.connections.set(connection.id, connection);
  allocation.connections.set(connection.key, connection);
  state.deadlines.set(connection, now.monotonicMs + CONNECTION_TIMEOUT_MS);
  return connection;
}

/** Forgets a connection; what there is of it is somebody else's, or closed. */
export function forgetConnection(state: TurnState, connection: Connection): void {
  state.connections.delete(connection.id);
  connection.allocation.connections.delete(connection.key);
  state.deadlines.delete(connection);
}

/** Ends a connection on our side, at whatever stage. */
export function endConnection(state: TurnState, connection: Connection, actions: Action[]): void {
  const { id, stage } = connection;
  forgetConnection(state, connection);
  if (stage.name === "connecting") actions.push({ kind: "giveUpPeer", connection: id });
  else if (stage.name === "waiting") actions.push({ kind: "closePeer", descriptor: stage.descriptor });
  else {
    const { shard } = state.dependencies;
    actions.push({ kind: "toShard", shard: stage.shard, message: { kind: "connectionOver", shard, connection: id } });
  }
}

function freshId(state: TurnState): number {
  for (;;) {
    const id = state.dependencies.shard * CHANCE + state.dependencies.random.below(CHANCE);
    if (!state.connections.has(id)) return id;
  }
}
