import type { Instant } from "../lib/time.ts";
import type { Action } from "./action.ts";
import type { Allocation, Move } from "./allocation.ts";
import { removeChannel } from "./channel.ts";
import { bury } from "./end.ts";
import type { MovingAllocation } from "./shard-message.ts";
import type { TurnState } from "./state.ts";
import { nextGeneration } from "./tickets.ts";

/**
 * Gives an allocation away, with all it has: to the shard where its client has turned up. Nothing of it is left here.
 *
 * @see RFC 8016 §3.2.2
 */
export function handOver(state: TurnState, allocation: Allocation, move: Move, now: Instant, actions: Action[]): void {
  const { mobility } = allocation;
  if (mobility === undefined) return;
  const { deadlines, dependencies } = state;
  const untilMs = (item: Parameters<typeof deadlines.of>[0]): number => deadlines.of(item) ?? now.monotonicMs;

  const permissions = [...allocation.permissions.values()].map((permission) => {
    const moving = { ip: permission.ip, untilMs: untilMs(permission) };
    deadlines.delete(permission);
    return moving;
  });
  const channels = [...allocation.channels].map((channel) => {
    const { number, peer, bound } = channel;
    const moving = { number, peer, bound, untilMs: untilMs(channel) };
    removeChannel(state, channel, actions);
    return moving;
  });
  const relayed = allocation.relayed.splice(0).flatMap((one) => {
    const until = untilMs(one);
    state.removeRelayed(one);
    const handle = dependencies.relays.surrender(one.relay.id, move.shard);
    // The system cannot give it away: that relayed address ends.
    if (handle === undefined) actions.push({ kind: "closeRelay", relay: one.relay.id });
    return handle === undefined ? [] : [{ handle, untilMs: until }];
  });
  if (relayed.length === 0) return bury(state, allocation, "client disconnected", now, actions);

  const value: MovingAllocation = {
    facts: { ...allocation.facts, client: move.from },
    claim: move.claim,
    relayed,
    startedMs: allocation.startedMs,
    endsAtMs: allocation.endsAtMs,
    outlivesCredential: allocation.outlivesCredential,
    transactionId: allocation.transactionId,
    reservation: allocation.reservation,
    missing: allocation.missing,
    carried: state.carriedBy(allocation),
    // The client has used what it was given last.
    mobility: { id: mobility.id, generation: nextGeneration(mobility.generation), movedBy: move.transactionId },
    permissions,
    channels,
    peerIps: [...allocation.peerIps.entries()].map(([key]) => key),
    peers: [...allocation.peers.entries()],
  };
  state.remove(allocation);
  dependencies.traffic.close(allocation.traffic);
  dependencies.quota.releaseSecond(allocation.claim, move.claim);
  actions.push(
    { kind: "report", event: { type: "movedAway", allocation: allocation.facts } },
    { kind: "toShard", shard: move.shard, message: { kind: "adopt", tuple: move.tuple, allocation: value } },
  );
}
