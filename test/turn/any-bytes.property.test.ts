import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { METHOD } from "../../src/stun/header.ts";
import { Simulation } from "../support/simulation.ts";
import { TURN_REQUESTS } from "../support/turn-requests.ts";

const mutation = fc.record({ at: fc.nat(), value: fc.nat(255), cut: fc.boolean() });

/**
 * Goal: no octets that a stranger or a customer sends stop the engine, and none that were changed on the way are taken
 * for a request. Method: good requests with octets changed or cut off behind; the answer, if there is one, is an error.
 */
test("changed octets are refused or ignored, and never taken", () => {
  const requests = fc.constantFrom(...TURN_REQUESTS);
  fc.assert(
    fc.property(requests, fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.boolean(), (request, mutations, live) => {
      const world = new Simulation();
      const client = world.client();
      if (live) client.allocate();
      else client.ask(METHOD.refresh);
      const before = client.build(request.method, request.fill, {});
      let bytes = before.slice();
      for (const { at, value, cut } of mutations) {
        if (cut) bytes = bytes.slice(0, at % (bytes.length + 1));
        else if (bytes.length > 0) bytes[at % bytes.length] = value;
      }
      const isSame = bytes.length === before.length && bytes.every((octet, i) => octet === before[i]);
      const events = world.events.length;
      const answers = client.exchange(bytes);
      const isAnswered = answers.some((answer) => answer.class === 2 && answer.method !== METHOD.binding);
      assert.ok(!isAnswered || isSame, "what succeeds is what was signed");
      if (!isSame && request.method !== METHOD.allocate) {
        assert.ok(world.events.slice(events).every(({ type }) => type === "rejected" || type === "ignored"));
      }
    }),
    { numRuns: 1500 },
  );
});

test("any octets at all are answered or ignored", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (octets, isLikeStun) => {
      const world = new Simulation();
      const client = world.client().allocate();
      const bytes = octets.slice(0, octets.length & ~3);
      if (isLikeStun && bytes.length >= 20) {
        bytes.set([(bytes[0] ?? 0) & 1, bytes[1] ?? 0, 0, bytes.length - 20, 0x21, 0x12, 0xa4, 0x42]);
      }
      client.transmit(bytes);
      client.refresh({ lifetime: 0 });
      world.advance({ seconds: 31 });
      world.assertNothingIsLeft();
    }),
    { numRuns: 500 },
  );
});
