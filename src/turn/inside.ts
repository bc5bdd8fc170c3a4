import { NO_DEADLINE, type Timed } from "../lib/deadlines.ts";
import type { Instant } from "../lib/time.ts";
import type { Action } from "./action.ts";
import { type Channel, expireChannel } from "./channel.ts";
import { JUDGEMENT_MS } from "./settings.ts";
import type { TurnState } from "./state.ts";

/** What a deadline stands for: a look at whether the relays that channels lead to still live. */
export interface Look extends Timed {
  readonly kind: "look";
}

/**
 * Channels to live relayed addresses of ours, whose packets do not leave the host: such an address is allowed for that
 * reason alone, and behind it, when it has ended, may be a program of the host. It may end on any thread, so that it is
 * looked for, once a second.
 */
export class InsideChannels {
  readonly #channels = new Set<Channel>();
  readonly #look: Look = { kind: "look", dueMs: NO_DEADLINE };

  /** Notes a channel that has just been bound, if it leads to one. */
  add(state: TurnState, channel: Channel, now: Instant): void {
    if (state.dependencies.relays.isLive(channel.peer)) this.#note(state, channel, now);
  }

  /** Notes a channel that has come from another shard, if it leads to one, or did: that may have ended on the way. */
  take(state: TurnState, channel: Channel, now: Instant): void {
    const { relays, peers } = state.dependencies;
    if (relays.isLive(channel.peer) || !peers.judge(channel.peer).allowed) this.#note(state, channel, now);
  }

  /** Forgets a channel that is bound no more. */
  delete(state: TurnState, channel: Channel): void {
    if (this.#channels.delete(channel) && this.#channels.size === 0) state.deadlines.delete(this.#look);
  }

  /** Has channels expire whose peer is no live relay any more, nor allowed for another reason. */
  look(state: TurnState, now: Instant, actions: Action[]): void {
    const { relays, peers } = state.dependencies;
    for (const channel of this.#channels) {
      if (relays.isLive(channel.peer) || peers.judge(channel.peer).allowed) continue;
      expireChannel(state, channel, now.monotonicMs, actions);
    }
    if (this.#channels.size > 0) state.deadlines.set(this.#look, now.monotonicMs + JUDGEMENT_MS);
  }

  #note(state: TurnState, channel: Channel, now: Instant): void {
    if (this.#channels.size === 0) state.deadlines.set(this.#look, now.monotonicMs + JUDGEMENT_MS);
    this.#channels.add(channel);
  }
}
