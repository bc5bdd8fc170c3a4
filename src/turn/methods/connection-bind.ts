import { copyOf } from "../../lib/bytes.ts";
import type { Action } from "../action.ts";
import { shardOf } from "../connection.ts";
import type { AuthenticatedRequest } from "../request.ts";
import { reject } from "../respond.ts";
import type { TurnState } from "../state.ts";

/**
 * ConnectionBind: this stream is to be the data connection of a peer's, which may be another shard's.
 *
 * @see RFC 6062 §5.4
 */
export function connectionBind(state: TurnState, request: AuthenticatedRequest): readonly Action[] {
  const { from, message, tuple } = request;
  const { connectionId: id } = message;
  if (from.transport === "udp" || id === undefined || state.at(tuple) !== undefined) return reject(request, 400);
  const owner = shardOf(id);
  const { shard, shards } = state.dependencies;
  if (owner >= shards) return reject(request, 400);
  return [
    // What comes behind it is the peer's, and no message of ours.
    { kind: "holdClient", client: from },
    { kind: "toShard", shard: owner, message: { kind: "connectionWanted", shard, from, bytes: copyOf(message.bytes, 0) } },
  ];
}
