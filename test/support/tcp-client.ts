import assert from "node:assert/strict";
import { parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { METHOD } from "../../src/stun/header.ts";
import { Message } from "../../src/stun/message.ts";
import type { StreamAction } from "../../src/turn/action.ts";
import { type Fill, type Reply, relayedIn, type SimulatedClient } from "./simulated-client.ts";
import type { Simulation } from "./simulation.ts";

/** REQUESTED-TRANSPORT for TCP. */
export const TCP = 6;

/** An Allocate for TCP, with its answer. */
export function tryAllocateTcp(client: SimulatedClient, fill: Fill = () => {}): Reply {
  const reply = client.ask(METHOD.allocate, (builder) => {
    builder.add(ATTRIBUTE.requestedTransport, TCP);
    fill(builder);
  });
  if (reply.outcome === "ok" && reply.message !== undefined) client.relayedAddresses = relayedIn(reply.message);
  return reply;
}

/** Asks for a connection to a peer; the answer, if it is given at once. */
export function connect(client: SimulatedClient, peer: string): Reply {
  return client.ask(METHOD.connect, (b) => b.add(ATTRIBUTE.xorPeerAddress, parseAddress(peer)));
}

/** Binds a connection. */
export function connectionBind(client: SimulatedClient, id: number): Reply {
  return client.ask(METHOD.connectionBind, (b) => b.add(ATTRIBUTE.connectionId, id));
}

/** The answer that has come in the meantime: its code, or the CONNECTION-ID. */
export function answered(client: SimulatedClient): { readonly code?: number | undefined; readonly id?: number | undefined } {
  const messages = client.inbox.splice(0).flatMap(({ bytes }) => Message.decode(bytes) ?? []);
  assert.equal(messages.length, 1, "one message has come");
  const [message] = messages;
  return { code: message?.errorCode?.code, id: message?.connectionId };
}

/** What was wanted of streams last, which must be of one kind. */
export function wanted<K extends StreamAction["kind"]>(world: Simulation, kind: K): Extract<StreamAction, { kind: K }> {
  const isIt = (action: StreamAction | undefined): action is Extract<StreamAction, { kind: K }> => action?.kind === kind;
  const last = world.streams.at(-1);
  assert.ok(isIt(last), `${kind} was wanted, not ${last?.kind}`);
  return last;
}
