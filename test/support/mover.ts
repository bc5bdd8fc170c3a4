import assert from "node:assert/strict";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { METHOD } from "../../src/stun/header.ts";
import { type AskOptions, type Fill, type Reply, relayedIn, type SimulatedClient } from "./simulated-client.ts";
import { UDP } from "./turn-requests.ts";

/** An Allocate that asks for a MOBILITY-TICKET, with its answer. */
export function tryAllocateMobile(client: SimulatedClient, fill: Fill = () => {}, ticket = new Uint8Array(0)): Reply {
  const reply = client.ask(METHOD.allocate, (builder) => {
    builder.add(ATTRIBUTE.requestedTransport, UDP).add(ATTRIBUTE.mobilityTicket, ticket);
    fill(builder);
  });
  if (reply.outcome === "ok" && reply.message !== undefined) client.relayedAddresses = relayedIn(reply.message);
  return reply;
}

/** An allocation that may move; the ticket of it. */
export function allocateMobile(client: SimulatedClient, fill: Fill = () => {}): Uint8Array {
  const reply = tryAllocateMobile(client, fill);
  assert.equal(reply.outcome, "ok");
  return ticketIn(reply);
}

/** A Refresh that brings a ticket. */
export function bring(client: SimulatedClient, ticket: Uint8Array, fill: Fill = () => {}, options: AskOptions = {}): Reply {
  return client.ask(
    METHOD.refresh,
    (builder) => {
      builder.add(ATTRIBUTE.mobilityTicket, ticket);
      fill(builder);
    },
    options,
  );
}

/** The ticket in an answer. */
export function ticketIn({ message }: Reply): Uint8Array {
  assert.ok(message?.mobilityTicket, "the answer has a ticket");
  return message.mobilityTicket.slice();
}
