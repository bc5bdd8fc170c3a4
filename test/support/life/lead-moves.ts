import assert from "node:assert/strict";
import { toHex } from "../../../src/lib/bytes.ts";
import { ATTRIBUTE } from "../../../src/stun/attributes.ts";
import type { Outcome } from "../simulated-client.ts";
import { bring as bringTicket } from "../mover.ts";
import { judge } from "./judge.ts";
import type { ModelTicket } from "./model-values.ts";
import type { ModelAllocation } from "./model-allocation.ts";
import { bring as modelBring } from "./model-moves.ts";
import type { Stage } from "./stage.ts";
import type { Step } from "./step.ts";

/** An octet of a ticket that nobody was given, and what it is changed by. */
const FORGED_AT = 20;
const FORGED_BY = 0x40;

/** What an allocation's own client is given. */
export function ticketOf(allocation: ModelAllocation): ModelTicket | undefined {
  return allocation.isMobile ? { allocation, generation: allocation.generation } : undefined;
}

/** A Refresh with a ticket (RFC 8016 §3.2). */
export function bring(stage: Stage, { who, of, nth, lifetime, family, wrong }: Extract<Step, { do: "bring" }>): Outcome {
  const actor = stage.actor(who);
  const { tickets } = stage.actor(of);
  const held = tickets[Math.max(0, nth)];
  if (held === undefined) return "silence";
  const means = nth < 0 ? undefined : held.means;
  const { username } = held.means.allocation;
  if (wrong !== true && stage.model.allocations.get(actor.tuple) === undefined) actor.client.username = username;
  const asker = stage.asker(who);
  const bytes = held.bytes.map((octet, at) => (nth < 0 && at === FORGED_AT ? octet ^ FORGED_BY : octet));
  const reply = bringTicket(actor.client, bytes, (builder) => {
    if (lifetime !== undefined) builder.add(ATTRIBUTE.lifetime, lifetime);
    if (family !== undefined) builder.add(ATTRIBUTE.requestedAddressFamily, family);
  });
  const transaction = toHex(actor.client.lastRequest?.bytes.slice(8, 20) ?? new Uint8Array(0));
  return judge(stage, actor, asker, { ticket: means }, reply, ({ outcome, message }) => {
    const moved = modelBring(stage.model, asker, means, { transaction, lifetime, family });
    if (moved.outcome !== "ok" || outcome !== "ok") return moved.outcome;
    assert.equal(message?.lifetime, moved.seconds);
    actor.client.relayedAddresses = held.relayed;
    stage.keepTicket(actor, message, moved.ticket);
    return "ok";
  });
}
