import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { METHOD } from "../../src/stun/header.ts";
import { Message } from "../../src/stun/message.ts";
import { Simulation } from "../support/simulation.ts";

const bare = { integrity: "none" } as const;
const OURS = ["192.0.2.100:3478", "192.0.2.100:3479", "192.0.2.101:3478", "192.0.2.101:3479"].map(parseAddress);

describe("RFC 5780: which kind of NAT a client is behind", () => {
  test("RFC 5780 §6.1: CHANGE-REQUEST where no other address is configured is 420", () => {
    const client = new Simulation().client();
    const attributes = [ATTRIBUTE.changeRequest, ATTRIBUTE.padding, ATTRIBUTE.responsePort];
    const asks = [
      client.ask(METHOD.binding, (b) => b.add(ATTRIBUTE.changeRequest, { ip: true, port: true }), bare),
      client.ask(METHOD.binding, (b) => b.add(ATTRIBUTE.padding, new Uint8Array(4)), bare),
      client.ask(METHOD.binding, (b) => b.add(ATTRIBUTE.responsePort, 4000), bare),
    ];
    for (const [i, { outcome, message }] of asks.entries()) {
      assert.equal(outcome, 420);
      assert.deepEqual(message?.unknownAttributes, [attributes[i]?.type]);
    }
  });

  test("RFC 5780 §6.1: the answer leaves from the address and port that CHANGE-REQUEST asks for", () => {
    const world = new Simulation({ settings: { behaviorDiscovery: OURS } });
    const wishes = [
      { ip: false, port: false, source: undefined, origin: 0 },
      { ip: false, port: true, source: 1, origin: 1 },
      { ip: true, port: false, source: 2, origin: 2 },
      { ip: true, port: true, source: 3, origin: 3 },
    ];
    for (const { ip, port, source, origin } of wishes) {
      const client = world.client();
      client.transmit(client.build(METHOD.binding, (b) => b.add(ATTRIBUTE.changeRequest, { ip, port }), bare));
      const [answer] = client.inbox;
      assert.deepEqual(answer?.source, source === undefined ? undefined : OURS[source]);
      const message = Message.decode(answer?.bytes ?? new Uint8Array(0));
      assert.deepEqual(message?.responseOrigin, OURS[origin]);
      assert.deepEqual(message?.otherAddress, OURS[3]);
    }
  });
});
