import assert from "node:assert/strict";
import { CLASS } from "../../../src/stun/header.ts";
import { Message } from "../../../src/stun/message.ts";
import type { Outcome, Reply } from "../simulated-client.ts";
import type { Asked, Asker } from "./model-values.ts";
import type { Actor, Stage } from "./stage.ts";

const NONCE_SECONDS = 600;

/**
 * Compares an answer with what the model says, and keeps how, for the case that the request is sent again.
 *
 * @param redo what the model makes of the request, once its credentials are good
 */
export function judge(
  stage: Stage,
  actor: Actor,
  asker: Asker,
  asked: Asked,
  reply: Reply,
  redo: (reply: Reply) => Outcome,
): Outcome {
  // Whoever has never been told a realm has proven nothing by it, now or later.
  actor.last = actor.client.realm === "" ? undefined : { asked, redo };
  assert.equal(reply.outcome, stage.model.refusal(asker, asked) ?? redo(reply));
  return reply.outcome;
}

/** The last request once more, octet by octet, whatever has become of its credential and its nonce. */
export function askAgain(stage: Stage, who: number): Outcome {
  const { client, last } = stage.actor(who);
  if (last === undefined || client.lastRequest === undefined) return "silence";
  const { bytes, nonceAt } = client.lastRequest;
  const [message] = client.exchange(bytes);
  const outcome = message === undefined ? "silence" : message.class === CLASS.success ? "ok" : (message.errorCode?.code ?? 0);
  const asker = { ...stage.asker(who), username: Message.decode(bytes)?.username ?? "" };
  const isStale = stage.model.now - nonceAt > NONCE_SECONDS;
  assert.equal(outcome, stage.model.refusal(asker, last.asked) ?? (isStale ? 438 : last.redo({ outcome, message })));
  return outcome;
}
