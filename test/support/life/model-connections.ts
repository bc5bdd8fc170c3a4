import { clientAt } from "./cast.ts";
import type { Model } from "./model.ts";
import type { ModelAllocation, ModelConnection, ModelPeer } from "./model-allocation.ts";
import type { Asker } from "./model-values.ts";

const CONNECTION_SECONDS = 30; // RFC 6062 §5.2, §5.3

/** A Connect: the connection, for there is no answer until the peer has answered, or why not (RFC 6062 §5.2). */
export function connect(model: Model, asker: Asker, peer: ModelPeer, transaction: string): ModelConnection | number {
  const allocation = model.allocationOf(asker);
  if (typeof allocation === "number") return allocation;
  if (!allocation.isTcp) return 400;
  if (!allocation.relays.has(peer.family)) return 443;
  if (allocation.connections.has(peer.key)) return 446;
  if (!model.hasRoomFor(allocation, peer)) return 508;
  if (!peer.maySend) return 403;
  const permitted = allocation.permit([peer], model.now, model.limits.peersPerAllocation);
  if (permitted === 508) return permitted;
  allocation.peers.set(peer.key, { allowed: true, at: model.now });
  const connection: ModelConnection = { peer, transaction, stage: "connecting", until: model.now + CONNECTION_SECONDS };
  allocation.connections.set(peer.key, connection);
  return connection;
}

/** A peer answers a Connect, or refuses it. An answer that comes too late is none. */
export function peerAnswers(model: Model, connection: ModelConnection, accepts: boolean): void {
  const owner = model.ownerOfConnection(connection);
  const { transaction, peer } = connection;
  if (owner === undefined || transaction === undefined || connection.stage !== "connecting") return;
  model.notices.push({ tuple: owner.tuple, transaction, outcome: accepts ? "ok" : 447, connection });
  if (!accepts) owner.connections.delete(peer.key);
  connection.stage = "waiting";
  connection.until = model.now + CONNECTION_SECONDS;
}

/** A peer connects to a relayed address: its client is told if it has permitted it. @returns whether the connection is kept */
export function peerConnects(model: Model, allocation: ModelAllocation, peer: ModelPeer): boolean {
  if (!allocation.permits(peer.ipKey) || allocation.connections.has(peer.key)) return false;
  const connection: ModelConnection = { peer, stage: "waiting", until: model.now + CONNECTION_SECONDS };
  allocation.connections.set(peer.key, connection);
  model.notices.push({ tuple: allocation.tuple, peer: peer.text, connection });
  return true;
}

/** A ConnectionBind (RFC 6062 §5.4). @param connection `undefined` if nobody was ever told its id */
export function connectionBind(model: Model, asker: Asker, connection: ModelConnection | undefined): "ok" | number {
  if (clientAt(asker.tuple).transport === "udp" || model.allocations.has(asker.tuple)) return 400;
  const owner = connection && model.ownerOfConnection(connection);
  if (owner === undefined || connection?.stage !== "waiting") return 400;
  if (owner.username !== asker.username) return 441;
  if (model.hasExpired(asker.username) && !owner.outlivesCredential) return 401;
  connection.stage = "bound";
  return "ok";
}

/** A data connection has ended, with the octets that have passed over it. */
export function connectionEnds(model: Model, id: number, octets: { readonly toPeer: number; readonly toClient: number }): void {
  for (const { connections, totals } of model.allocations.values()) {
    for (const [key, connection] of connections) {
      if (connection.id !== id || connection.stage !== "bound") continue;
      connections.delete(key);
      totals.octetsToPeer += octets.toPeer;
      totals.octetsToClient += octets.toClient;
    }
  }
}
