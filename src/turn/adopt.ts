import { NO_DEADLINE } from "../lib/deadlines.ts";
import type { Instant } from "../lib/time.ts";
import { ipKey } from "../net/address.ts";
import type { Action } from "./action.ts";
import { Allocation, type Permission } from "./allocation.ts";
import { endAllocation } from "./end.ts";
import type { AllocationFacts } from "./event.ts";
import type { Relay } from "./relay-ports.ts";
import type { MovingAllocation } from "./shard-message.ts";
import type { TurnState } from "./state.ts";

/**
 * Takes an allocation that another shard has given away, as it was there but for its client.
 *
 * A credential may have ended while the allocation was on its way, when neither shard had it: it is judged again.
 *
 * @param tuple the five-tuple of its client; `undefined` if that has another allocation meanwhile: this one is over then
 */
export function adopt(
  state: TurnState,
  tuple: string | undefined,
  value: MovingAllocation,
  now: Instant,
  actions: Action[],
): void {
  const { traffic, authority } = state.dependencies;
  const facts = { ...value.facts, id: state.nextId() };
  actions.push({ kind: "report", event: { type: "movedHere", allocation: facts } });
  const opened = value.relayed.flatMap(({ handle, untilMs }) => {
    const relay = state.dependencies.relays.adopt(handle, now.monotonicMs);
    return relay === undefined ? [] : [{ relay, untilMs }];
  });
  const slot = opened.length === 0 || tuple === undefined ? undefined : traffic.open(now.monotonicMs);
  if (slot === undefined || tuple === undefined) return giveUp(state, facts, value, opened, now, actions);

  const allocation = new Allocation({
    ...value,
    facts,
    tuple,
    traffic: slot,
    relays: opened.map(({ relay }) => relay),
    mobility: { ...value.mobility, move: undefined },
  });
  state.add(allocation, ...opened.map(({ untilMs }) => untilMs));
  restorePermissions(state, allocation, value);
  restoreChannels(state, allocation, value, now, actions);
  if (authority.judge(facts.username, now) !== undefined) return;
  endAllocation(state, allocation, "revoked", now, actions);
}

function restorePermissions(state: TurnState, allocation: Allocation, { permissions, peerIps, peers }: MovingAllocation): void {
  for (const { ip, untilMs } of permissions) {
    const permission: Permission = { kind: "permission", allocation, ip, key: ipKey(ip), dueMs: NO_DEADLINE };
    allocation.permissions.set(permission.key, permission);
    state.deadlines.set(permission, untilMs);
  }
  for (const key of peerIps) allocation.peerIps.set(key, true);
  for (const [key, peer] of peers) allocation.peers.set(key, peer);
}

function restoreChannels(
  state: TurnState,
  allocation: Allocation,
  { channels }: MovingAllocation,
  now: Instant,
  actions: Action[],
): void {
  for (const { number, peer, bound, untilMs } of channels) {
    const relay = allocation.relayTo(peer.ip.family);
    if (relay === undefined) continue;
    const channel = allocation.addChannel(number, peer, relay, state.dependencies.relays.wireOf(peer));
    channel.bound = bound;
    state.deadlines.set(channel, untilMs);
    if (!bound) continue;
    state.inside.take(state, channel, now);
    actions.push({ kind: "openRoute", route: allocation.route(channel, allocation.permissions.has(channel.ipKey)) });
  }
}

/** There is no place for it here: it is over. */
function giveUp(
  state: TurnState,
  allocation: AllocationFacts,
  { claim, startedMs, carried: traffic }: MovingAllocation,
  opened: readonly { readonly relay: Relay }[],
  now: Instant,
  actions: Action[],
): void {
  for (const { relay } of opened) actions.push({ kind: "closeRelay", relay: relay.id });
  state.dependencies.quota.release(claim);
  const durationMs = now.monotonicMs - startedMs;
  const reason = "client disconnected";
  actions.push({ kind: "report", event: { type: "allocationEnded", allocation, durationMs, traffic, reason } });
}
