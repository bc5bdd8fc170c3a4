import type { Instant } from "../lib/time.ts";
import { METHOD } from "../stun/header.ts";
import type { Action } from "./action.ts";
import { allocate } from "./methods/allocate.ts";
import { channelBind } from "./methods/channel-bind.ts";
import { connect } from "./methods/connect.ts";
import { connectionBind } from "./methods/connection-bind.ts";
import { createPermission } from "./methods/create-permission.ts";
import { refresh } from "./methods/refresh.ts";
import type { AuthenticatedRequest } from "./request.ts";
import type { TurnState } from "./state.ts";

/** One step of the engine: every refusal first, then the change, then what is to be done. */
export type Handler = (state: TurnState, request: AuthenticatedRequest, now: Instant) => readonly Action[];

/** The requests that need credentials. A method that is not here is not ours, and is not answered (RFC 8489 §6.3). */
export const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [METHOD.allocate, allocate],
  [METHOD.refresh, refresh],
  [METHOD.createPermission, createPermission],
  [METHOD.channelBind, channelBind],
]);

/** Those of RFC 6062, where TCP allocations are on. */
export const TCP_HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [METHOD.connect, connect],
  [METHOD.connectionBind, connectionBind],
]);
