import { NO_DEADLINE } from "../lib/deadlines.ts";
import type { Instant } from "../lib/time.ts";
import { addressKey, ipKey, type TransportAddress } from "../net/address.ts";
import type { Action } from "./action.ts";
import type { Allocation, KnownPeer, Permission } from "./allocation.ts";
import { JUDGEMENT_MS, MAX_PERMISSIONS, PERMISSION_LIFETIME_MS } from "./settings.ts";
import type { TurnState } from "./state.ts";

/** Peers that are remembered where their number has no limit. */
const MAX_REMEMBERED_PEERS = 1024;

/**
 * The one door to permissions: asks policy, then permits all the peers for 300 seconds, or none of them.
 *
 * @param scope whether the ports mean anything: not in CreatePermission (RFC 8656 §10.2)
 * @returns the error code to refuse with, or `undefined` when all are permitted
 * @see RFC 8656 §9
 */
export function permit(
  state: TurnState,
  allocation: Allocation,
  peers: readonly TransportAddress[],
  scope: "ip" | "address",
  now: Instant,
  actions: Action[],
): 403 | 508 | undefined {
  const policy = state.dependencies.peers;
  const { id, username } = allocation.facts;
  for (const peer of peers) {
    const { allowed, rule } = scope === "ip" ? policy.judgeIp(peer.ip) : policy.judge(peer);
    if (allowed) continue;
    actions.push({ kind: "report", event: { type: "peerDenied", username, peer, rule } });
    return 403;
  }
  if (!hasRoom(state, allocation, peers)) return 508;
  for (const peer of peers) {
    const key = ipKey(peer.ip);
    const existing = allocation.permissions.get(key);
    const permission = existing ?? addPermission(state, allocation, peer, key);
    state.deadlines.set(permission, now.monotonicMs + PERMISSION_LIFETIME_MS);
    if (existing !== undefined) continue;
    turnRoutes(permission, true, actions);
    actions.push({ kind: "report", event: { type: "permitted", allocation: id, username, peer } });
  }
  return undefined;
}

/** Ends a permission: its channels carry data to the peer only, from now on. */
export function expirePermission(permission: Permission, actions: Action[]): void {
  permission.allocation.permissions.delete(permission.key);
  turnRoutes(permission, false, actions);
}

/**
 * Whether one more distinct peer may be bound or sent to: `limits.peers_per_allocation`.
 *
 * @param key the peer's address key
 */
export function hasRoomForPeer(state: TurnState, { peers }: Allocation, key: string): boolean {
  const limit = state.settings.peersPerAllocation;
  return limit === 0 || peers.size < limit || peers.has(key);
}

/** Notes that data goes to a peer that policy has just allowed, and where its packets go. */
export function rememberPeer(state: TurnState, allocation: Allocation, peer: TransportAddress, now: Instant): KnownPeer {
  const { peers } = allocation;
  if (state.settings.peersPerAllocation === 0 && peers.size >= MAX_REMEMBERED_PEERS) peers.clear();
  const known = { wire: state.dependencies.relays.wireOf(peer), allowed: true, judgedAtMs: now.monotonicMs };
  peers.set(addressKey(peer), known);
  return known;
}

/**
 * What a Send indication asks, for each packet: may data go to this peer now, and where is it.
 *
 * @returns `undefined` without a permission, for a denied address or port, and beyond `limits.peers_per_allocation`
 */
export function sendable(
  state: TurnState,
  allocation: Allocation,
  peer: TransportAddress,
  now: Instant,
): TransportAddress | undefined {
  if (!allocation.permissions.has(ipKey(peer.ip))) return undefined;
  const key = addressKey(peer);
  let known = allocation.peers.get(key);
  if (known === undefined || now.monotonicMs - known.judgedAtMs >= JUDGEMENT_MS) {
    if (!hasRoomForPeer(state, allocation, key)) return undefined;
    const { allowed } = state.dependencies.peers.judge(peer);
    known = rememberPeer(state, allocation, peer, now);
    known.allowed = allowed;
  }
  return known.allowed ? known.wire : undefined;
}

/** Whether as many permissions more would still be within the limits: at a time, and over the allocation's life. */
function hasRoom(state: TurnState, allocation: Allocation, peers: readonly TransportAddress[]): boolean {
  const limit = state.settings.peersPerAllocation;
  const fresh = new Set<string>();
  let strangers = 0;
  for (const { ip } of peers) {
    const key = ipKey(ip);
    if (allocation.permissions.has(key) || fresh.has(key)) continue;
    fresh.add(key);
    if (!allocation.peerIps.has(key)) strangers++;
  }
  if (allocation.permissions.size + fresh.size > MAX_PERMISSIONS) return false;
  return limit === 0 || strangers === 0 || allocation.peerIps.size + strangers <= limit;
}

function addPermission(state: TurnState, allocation: Allocation, { ip }: TransportAddress, key: string): Permission {
  const permission: Permission = { kind: "permission", allocation, ip, key, dueMs: NO_DEADLINE };
  allocation.permissions.set(key, permission);
  if (state.settings.peersPerAllocation > 0) allocation.peerIps.set(key, true);
  return permission;
}

/** Opens or closes the way to the client in the routes of all channels to the permitted address. */
function turnRoutes({ allocation, key }: Permission, toClient: boolean, actions: Action[]): void {
  for (const channel of allocation.channels) {
    if (!channel.bound || channel.ipKey !== key) continue;
    actions.push({ kind: "openRoute", route: allocation.route(channel, toClient) });
  }
}
