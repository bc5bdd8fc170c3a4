import assert from "node:assert/strict";
import { toHex } from "../../../src/lib/bytes.ts";
import { ATTRIBUTE } from "../../../src/stun/attributes.ts";
import { METHOD } from "../../../src/stun/header.ts";
import { Message } from "../../../src/stun/message.ts";
import { type Outcome, type Reply, relayedIn } from "../simulated-client.ts";
import { clientAt } from "./cast.ts";
import { askAgain, judge } from "./judge.ts";
import { answer, attach, connect, knock, pass } from "./lead-connections.ts";
import { bring, ticketOf } from "./lead-moves.ts";
import type { AllocateWish, Arrival, Asker } from "./model-values.ts";
import { type Actor, Stage } from "./stage.ts";
import { describeStep, type Life, type Step } from "./step.ts";

/** Longer than anything that a client can hold. */
const LONG_ENOUGH_SECONDS = 5000;
/** How often the whole state is compared; counts are compared after every step. */
const LOOK_EVERY = 50;

/** What one life counted. */
export interface LifeCount {
  readonly steps: number;
  readonly delivered: number;
  readonly dropped: number;
}

/** A life that went wrong: at which step, and what was expected. */
export class LifeError extends Error {
  readonly life: Life;
  /** Index of the step that showed it; the number of steps if it was the end. */
  readonly step: number;

  constructor(life: Life, step: number, cause: unknown) {
    const at = life.steps[step];
    const what = at === undefined ? "the end" : describeStep(at);
    super(`Seed ${life.limits.seed}, step ${step + 1} of ${life.steps.length} (${what}): ${String(cause)}`, { cause });
    this.life = life;
    this.step = step;
  }
}

/**
 * Leads a life: engine and model take each step side by side and must agree on every answer, every datagram, every count.
 * At its end time runs out for everything, and nothing may be left.
 *
 * @param say called with each step in words
 * @throws {LifeError} at the first step where the two differ
 */
export function lead(life: Life, say?: (line: string) => void): LifeCount {
  const leader = new Leader(life);
  let at = 0;
  try {
    for (const step of life.steps) {
      const told = leader.take(step, at++ % LOOK_EVERY === 0);
      say?.(`${leader.stage.model.now} s  ${describeStep(step)}: ${told}`);
    }
    at++;
    leader.end();
  } catch (error) {
    throw new LifeError(life, at - 1, error);
  }
  return { steps: life.steps.length, delivered: leader.delivered, dropped: leader.dropped };
}

class Leader {
  delivered = 0;
  dropped = 0;
  readonly stage: Stage;

  constructor({ limits }: Life) {
    this.stage = new Stage(limits);
  }

  /** @returns what came of it, in words */
  take(step: Step, looksClosely: boolean): string {
    const told = this.#take(step);
    this.stage.settle();
    this.stage.compareCounts();
    if (looksClosely) this.stage.compareState();
    return told;
  }

  /** Everything expires; all that was taken is given back. */
  end(): void {
    this.stage.compareState();
    this.stage.pass(LONG_ENOUGH_SECONDS, true);
    this.stage.settle();
    this.stage.compareCounts();
    this.stage.assertNothingIsLeft();
  }

  #take(step: Step): string {
    if (isSaid(step) && this.stage.isSpliced(step.who)) return "its stream is a data connection";
    switch (step.do) {
      case "allocate":
        return `${this.#allocate(step)}`;
      case "refresh":
        return `${this.#refresh(step)}`;
      case "permit":
        return `${this.#permit(step)}`;
      case "bind":
        return `${this.#bind(step)}`;
      case "bring":
        return `${bring(this.stage, step)}`;
      case "connect":
        return `${connect(this.stage, step)}`;
      case "attach":
        return `${attach(this.stage, step)}`;
      case "again":
        return `${askAgain(this.stage, step.who)}`;
      case "send":
        return this.#send(step);
      case "sendOver":
        return this.#sendOver(step);
      case "hear":
        return this.#hear(step);
      case "unreachable":
        return this.#unreachable(step);
      default:
        return this.#change(step);
    }
  }

  #change(step: Step): string {
    const { stage } = this;
    if (step.do === "switch") stage.switchTo(step.who, step.username);
    else if (step.do === "leave") stage.leave(step.who);
    else if (step.do === "wait") stage.pass(step.seconds, true);
    else if (step.do === "waitFor") return this.#waitFor(step);
    else if (step.do === "answer") return answer(stage, step);
    else if (step.do === "knock") return knock(stage, step);
    else if (step.do === "pass") return pass(stage, step);
    else if (step.do === "hangUp") stage.hangUp(step.who);
    else if (step.do === "stall") stage.pass(step.seconds, false);
    else if (step.do === "clock") stage.setClock(step.seconds);
    else if (step.do === "revoke") stage.revoke(step.username);
    else if (step.do === "delete") stage.delete(step.username);
    else if (step.do === "reload") stage.reload(step.settings, step.quota);
    else if (step.do === "drain") stage.drain();
    else if (step.do === "shutdown") stage.shutdown();
    return "done";
  }

  #allocate({ who, kind, lifetime, mobile }: Extract<Step, { do: "allocate" }>): Outcome {
    const actor = this.stage.actor(who);
    const asker = this.stage.asker(who);
    const token = kind === "token" ? (this.stage.token ?? new Uint8Array(8)) : undefined;
    const reply = actor.client.tryAllocate({
      ...(lifetime !== undefined && { lifetime }),
      ...(kind === "ipv6" && { family: 6 as const }),
      ...(kind === "dual" && { dual: true }),
      ...((kind === "even" || kind === "pair") && { evenPort: { reserveNext: kind === "pair" } }),
      ...(kind === "whole" && { dontFragment: true }),
      ...(kind === "tcp" && { tcp: true }),
      ...(mobile && { mobile }),
      ...(token !== undefined && { token }),
    });
    const transaction = toHex(actor.client.lastRequest?.bytes.slice(8, 20) ?? new Uint8Array(0));
    const wish: AllocateWish = { kind, lifetime, token: token && toHex(token), transaction, mobile: mobile === true };
    return judge(this.stage, actor, asker, "allocate", reply, (answer) => this.#allocated(actor, asker, wish, answer));
  }

  /** What the model says of an Allocate; all that a success says must agree with it. */
  #allocated(actor: Actor, asker: Asker, wish: AllocateWish, { outcome, message }: Reply): Outcome {
    const { model } = this.stage;
    const grant = model.allocate(asker, wish);
    if (grant.outcome !== "ok" || outcome !== "ok" || message === undefined) return grant.outcome;
    const relayed = relayedIn(message);
    const ports = relayed.map(({ port }) => port);
    const token = message.reservationToken && toHex(message.reservationToken);
    actor.client.relayedAddresses = relayed;
    assert.deepEqual(
      relayed.map(({ ip }) => ip.family),
      grant.families,
    );
    assert.equal(message.lifetime, grant.seconds);
    assert.deepEqual(message.xorMappedAddress, actor.client.from.client);
    const { family, code } = message.addressErrorCode ?? {};
    const missing = family === undefined ? undefined : { family, code };
    assert.deepEqual(missing, grant.existing === undefined ? grant.missing : grant.existing.missing);
    if (grant.existing !== undefined) {
      assert.deepEqual(
        ports,
        [...grant.existing.relays.values()].map(({ port }) => port),
      );
      assert.equal(token, grant.existing.token);
      this.stage.keepTicket(actor, message, ticketOf(grant.existing));
      return "ok";
    }
    assert.equal(token !== undefined, wish.kind === "pair", "a token exactly for a pair");
    if (grant.port !== undefined) assert.equal(ports[0], grant.port, "the port that was reserved");
    if (wish.kind === "even" || wish.kind === "pair") assert.equal((ports[0] ?? 1) % 2, 0, "an even port");
    const allocation = model.begin(asker, wish, grant, ports, token);
    this.stage.keepTicket(actor, message, ticketOf(allocation));
    if (token !== undefined) this.stage.token = message.reservationToken?.slice();
    return "ok";
  }

  #refresh({ who, lifetime, family }: Extract<Step, { do: "refresh" }>): Outcome {
    const actor = this.stage.actor(who);
    const asker = this.stage.asker(who);
    const reply = actor.client.refresh({ ...(lifetime !== undefined && { lifetime }), ...(family !== undefined && { family }) });
    return judge(this.stage, actor, asker, "other", reply, ({ outcome, message }) => {
      const expected = this.stage.model.refresh(asker, lifetime, family);
      if (expected.outcome === "ok" && outcome === "ok") assert.equal(message?.lifetime, expected.seconds);
      return expected.outcome;
    });
  }

  #permit({ who, peers: numbers }: Extract<Step, { do: "permit" }>): Outcome {
    const peers = numbers.flatMap((number) => this.stage.peer(number) ?? []);
    const actor = this.stage.actor(who);
    const asker = this.stage.asker(who);
    const outcome = actor.client.createPermission(...peers.map(({ text }) => text));
    return judge(this.stage, actor, asker, "other", { outcome, message: undefined }, () => this.stage.model.permit(asker, peers));
  }

  #bind({ who, channel, peer: number }: Extract<Step, { do: "bind" }>): Outcome {
    const peer = this.stage.peer(number);
    if (peer === undefined) return "silence";
    const actor = this.stage.actor(who);
    const asker = this.stage.asker(who);
    const outcome = actor.client.channelBind(channel, peer.text);
    const redo = (): Outcome => this.stage.model.bind(asker, channel, this.stage.asItIs(peer));
    return judge(this.stage, actor, asker, "other", { outcome, message: undefined }, redo);
  }

  #send({ who, peer: number, octets, whole }: Extract<Step, { do: "send" }>): string {
    const peer = this.stage.peer(number);
    if (peer === undefined) return "nobody there";
    const text = this.stage.text(octets);
    this.stage.actor(who).client.sendTo(peer.text, text, (b) => whole && b.add(ATTRIBUTE.dontFragment, true));
    return this.#arrives(text, this.stage.model.send(this.stage.actor(who).tuple, peer, text.length, whole === true));
  }

  #sendOver({ who, channel, octets }: Extract<Step, { do: "sendOver" }>): string {
    const text = this.stage.text(octets);
    this.stage.actor(who).client.sendOver(channel, text);
    return this.#arrives(text, this.stage.model.sendOver(this.stage.actor(who).tuple, channel, text.length));
  }

  /** A datagram from a peer to where a client's relayed address is or was. */
  #hear({ who, family, peer: number, octets }: Extract<Step, { do: "hear" }>): string {
    const peer = this.stage.peer(number);
    const to = this.stage.actor(who).client.relayedAddresses.find(({ ip }) => ip.family === family);
    if (peer === undefined || to === undefined || peer.family !== family) return "nobody there";
    const text = this.stage.text(octets);
    this.stage.world.peer(peer.text).send(to, text);
    return this.#arrives(text, this.stage.model.arrive(peer, family, to.port, text.length));
  }

  #unreachable({ who, peer: number }: Extract<Step, { do: "unreachable" }>): string {
    const peer = this.stage.peer(number);
    const { client, tuple } = this.stage.actor(who);
    const allocation = this.stage.model.allocations.get(tuple);
    const address = client.relayedAddresses.find(({ ip }) => ip.family === peer?.family);
    if (
      peer === undefined ||
      address === undefined ||
      allocation?.relays.get(peer.family)?.port !== address.port ||
      allocation.isTcp
    )
      return "nobody there";
    const icmp = peer.family === 4 ? { type: 3, code: 3, data: 0 } : { type: 1, code: 4, data: 0 };
    (this.stage.worlds[clientAt(tuple).shard] ?? this.stage.world).unreachable(address, peer.text, icmp);
    const told = client.inbox.splice(0).map(({ bytes }) => Message.decode(bytes));
    assert.equal(told.length, allocation.permits(peer.ipKey) ? 1 : 0, "exactly if the peer is permitted");
    assert.ok(told.every((message) => message?.method === METHOD.data && message.icmp !== undefined));
    return `${told.length} told`;
  }

  /** Exactly those have exactly this text whom the model names, in the way that it says. */
  #arrives(text: string, expected: readonly Arrival[]): string {
    assert.deepEqual(this.stage.arrived(text), expected);
    if (expected.length > 0) this.delivered++;
    else this.dropped++;
    return expected.length > 0 ? `arrives: ${JSON.stringify(expected[0])}` : "dropped";
  }

  #waitFor({ who, nth, before }: Extract<Step, { do: "waitFor" }>): string {
    const { model } = this.stage;
    const moments = [...new Set(model.allocations.get(this.stage.actor(who).tuple)?.moments())];
    const seconds = (moments[nth] ?? moments[0] ?? 0) - before - model.now;
    if (seconds > 0) this.stage.pass(seconds, true);
    return `${Math.max(0, seconds)} seconds`;
  }
}

/** Steps in which a client says something. */
const SAID: ReadonlySet<string> = new Set([
  ...["allocate", "refresh", "permit", "bind", "bring", "connect", "attach", "again", "send", "sendOver", "switch"],
]);

function isSaid(step: Step): step is Extract<Step, { readonly who: number }> {
  return SAID.has(step.do);
}
