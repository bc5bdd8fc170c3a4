import { toHex } from "../../../src/lib/bytes.ts";
import { parseAddress } from "../../../src/net/address.ts";
import type { Outcome } from "../simulated-client.ts";
import { connect as askConnect, connectionBind as askConnectionBind } from "../tcp-client.ts";
import { clientAt } from "./cast.ts";
import { judge } from "./judge.ts";
import { connect as modelConnect, connectionBind, peerAnswers, peerConnects } from "./model-connections.ts";
import type { Stage } from "./stage.ts";
import type { Step } from "./step.ts";

/** Changes an id into one that nobody was told. */
const FORGED_BY = 0x8_0000;

/** A Connect, which is answered when its peer has, or at once with why not. */
export function connect(stage: Stage, { who, peer: number }: Extract<Step, { do: "connect" }>): Outcome {
  const peer = stage.peer(number);
  if (peer === undefined) return "silence";
  const actor = stage.actor(who);
  const asker = stage.asker(who);
  const reply = askConnect(actor.client, peer.text);
  const transaction = toHex(actor.client.lastRequest?.bytes.slice(8, 20) ?? new Uint8Array(0));
  return judge(stage, actor, asker, "connect", reply, () => {
    stage.streams.settle();
    const begun = modelConnect(stage.model, asker, stage.asItIs(peer), transaction);
    if (typeof begun === "number") return begun;
    const attempt = stage.streams.attempts.at(-1);
    if (attempt !== undefined) attempt.means ??= begun;
    return "silence";
  });
}

/** A peer answers a Connect or refuses it, or comes too late. */
export function answer(stage: Stage, { nth, accepts }: Extract<Step, { do: "answer" }>): string {
  const { attempts } = stage.streams;
  const attempt = attempts[nth % Math.max(1, attempts.length)];
  if (attempt === undefined) return "nobody was asked";
  stage.streams.answer(attempt, accepts);
  if (attempt.means !== undefined) peerAnswers(stage.model, attempt.means, accepts);
  return attempt.isWanted ? "in time" : "too late";
}

/** A peer connects to where a client's relayed address is or was. */
export function knock(stage: Stage, { who, peer: number }: Extract<Step, { do: "knock" }>): string {
  const peer = stage.peer(number);
  const to = stage.actor(who).client.relayedAddresses.find(({ ip }) => ip.family === peer?.family);
  const allocation = to && stage.model.ownerOf(to.ip.family, to.port);
  if (peer === undefined || to === undefined || allocation?.isTcp !== true) return "nobody there";
  const world = stage.worlds[clientAt(allocation.tuple).shard] ?? stage.world;
  const descriptor = stage.streams.descriptor();
  world.handle({ kind: "peerAccepted", relay: world.relayAt(to), peer: parseAddress(peer.text), descriptor });
  return peerConnects(stage.model, allocation, peer) ? "let in" : "turned away";
}

/** A ConnectionBind: the stream becomes a data connection, if all is well. */
export function attach(stage: Stage, { who, of, nth, wrong }: Extract<Step, { do: "attach" }>): Outcome {
  const actor = stage.actor(who);
  const told = stage.actor(of).told[Math.max(0, nth)];
  if (told?.id === undefined) return "silence";
  const owner = stage.model.ownerOfConnection(told);
  if (wrong !== true && owner !== undefined && stage.model.allocations.get(actor.tuple) === undefined) {
    actor.client.username = owner.username;
  }
  const asker = stage.asker(who);
  const reply = askConnectionBind(actor.client, nth < 0 ? told.id ^ FORGED_BY : told.id);
  const redo = (): Outcome => connectionBind(stage.model, asker, nth < 0 ? undefined : told);
  return judge(stage, actor, asker, "connectionBind", reply, redo);
}

/** Octets pass over a data connection. */
export function pass(stage: Stage, { who, toPeer, toClient }: Extract<Step, { do: "pass" }>): string {
  return stage.carry(who, toPeer, toClient) ? "passed" : "it is no data connection";
}
