import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { METHOD } from "../../src/stun/header.ts";
import type { MessageBuilder } from "../../src/stun/message.ts";
import type { Fill } from "../support/simulated-client.ts";
import { relayAddress, Simulation } from "../support/simulation.ts";
import { addRaw, UDP } from "../support/turn-requests.ts";

const transport = (b: MessageBuilder): MessageBuilder => b.add(ATTRIBUTE.requestedTransport, UDP);
const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** The code of a first Allocate in a fresh world, which must leave nothing behind. */
function refusalOf(fill: Fill, world = new Simulation()): unknown {
  const { outcome } = world.client().ask(METHOD.allocate, fill);
  world.assertNothingIsLeft();
  return outcome;
}

describe("RFC 8656 §7.2: receiving an Allocate", () => {
  test("RFC 8656 §7.2: a second Allocate on a five-tuple is 437", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    const before = client.relayedAddress;
    assert.equal(client.tryAllocate().outcome, 437);
    assert.equal(client.tryAllocate({}, { username: world.username(60, "project_other") }).outcome, 437);
    assert.deepEqual(client.relayedAddress, before);
    assert.equal(world.engine.allocations, 1);
  });

  test("RFC 8656 §7.2: no REQUESTED-TRANSPORT is 400", () => {
    assert.equal(
      refusalOf(() => {}),
      400,
    );
  });

  test("RFC 8656 §7.2: a malformed REQUESTED-TRANSPORT is 400", () => {
    assert.equal(
      refusalOf((b) => addRaw(b, ATTRIBUTE.requestedTransport.type, UDP)),
      400,
    );
  });

  test("RFC 8656 §7.2: a transport other than UDP is 442", () => {
    for (const protocol of [0, 1, 6, 132, 255]) {
      assert.equal(
        refusalOf((b) => b.add(ATTRIBUTE.requestedTransport, protocol)),
        442,
      );
    }
  });

  test("RFC 8656 §7.2: DONT-FRAGMENT where it cannot be honoured is 420", () => {
    const world = new Simulation({ settings: { dontFragment: false } });
    const { outcome, message } = world.client().tryAllocate({ dontFragment: true });
    assert.equal(outcome, 420);
    assert.deepEqual(message?.unknownAttributes, [ATTRIBUTE.dontFragment.type]);
    world.assertNothingIsLeft();
    new Simulation().client().allocate({ dontFragment: true });
  });

  test("RFC 8656 §7.2: RESERVATION-TOKEN beside EVEN-PORT is 400", () => {
    const fill: Fill = (b) => transport(b).add(ATTRIBUTE.reservationToken, token).add(ATTRIBUTE.evenPort, { reserveNext: false });
    assert.equal(refusalOf(fill), 400);
  });

  test("RFC 8656 §7.2: RESERVATION-TOKEN beside REQUESTED-ADDRESS-FAMILY is 400", () => {
    assert.equal(
      refusalOf((b) => transport(b).add(ATTRIBUTE.reservationToken, token).add(ATTRIBUTE.requestedAddressFamily, 4)),
      400,
    );
  });

  test("RFC 8656 §7.2: RESERVATION-TOKEN beside ADDITIONAL-ADDRESS-FAMILY is 400", () => {
    assert.equal(
      refusalOf((b) => transport(b).add(ATTRIBUTE.reservationToken, token).add(ATTRIBUTE.additionalAddressFamily, 6)),
      400,
    );
  });

  test("RFC 8656 §7.2: an unknown RESERVATION-TOKEN is 508", () => {
    assert.equal(
      refusalOf((b) => transport(b).add(ATTRIBUTE.reservationToken, token)),
      508,
    );
  });

  test("RFC 8656 §7.2: a RESERVATION-TOKEN older than 30 s is 508", () => {
    const world = new Simulation();
    const owner = world.client();
    const kept = owner.tryAllocate({ evenPort: { reserveNext: true } }).message?.reservationToken?.slice();
    assert.ok(kept);
    world.advance({ seconds: 30 });
    assert.equal(world.client().tryAllocate({ token: kept }).outcome, 508);
    owner.refresh({ lifetime: 0 });
    world.assertNothingIsLeft();
  });

  test("RFC 8656 §7.2: a RESERVATION-TOKEN that was redeemed is 508", () => {
    const world = new Simulation();
    const kept = world
      .client()
      .tryAllocate({ evenPort: { reserveNext: true } })
      .message?.reservationToken?.slice();
    assert.ok(kept);
    world.client().allocate({ token: kept });
    assert.equal(world.client().tryAllocate({ token: kept }).outcome, 508);
  });

  test("RFC 8656 §7.2: REQUESTED-ADDRESS-FAMILY beside ADDITIONAL-ADDRESS-FAMILY is 400", () => {
    for (const family of [4, 6, "unknown"] as const) {
      const fill: Fill = (b) =>
        transport(b).add(ATTRIBUTE.requestedAddressFamily, family).add(ATTRIBUTE.additionalAddressFamily, 6);
      assert.equal(refusalOf(fill), 400);
    }
  });

  test("RFC 8656 §7.2: a REQUESTED-ADDRESS-FAMILY that nobody knows is 440", () => {
    assert.equal(
      refusalOf((b) => transport(b).add(ATTRIBUTE.requestedAddressFamily, "unknown")),
      440,
    );
  });

  test("RFC 8656 §7.2: a REQUESTED-ADDRESS-FAMILY that we have no address of is 440", () => {
    const onlyIpv4 = new Simulation({ relays: [relayAddress("203.0.113.7")] });
    assert.equal(
      refusalOf((b) => transport(b).add(ATTRIBUTE.requestedAddressFamily, 6), onlyIpv4),
      440,
    );
    const onlyIpv6 = new Simulation({ relays: [relayAddress("2001:db8::7")] });
    assert.equal(
      refusalOf((b) => transport(b).add(ATTRIBUTE.requestedAddressFamily, 4), onlyIpv6),
      440,
    );
  });

  test("RFC 8656 §7.2: no REQUESTED-ADDRESS-FAMILY where there is no IPv4 is 440", () => {
    assert.equal(refusalOf(transport, new Simulation({ relays: [relayAddress("2001:db8::7")] })), 440);
  });

  test("RFC 8656 §7.2: EVEN-PORT with R beside ADDITIONAL-ADDRESS-FAMILY is 400", () => {
    const fill =
      (reserveNext: boolean): Fill =>
      (b) =>
        transport(b).add(ATTRIBUTE.evenPort, { reserveNext }).add(ATTRIBUTE.additionalAddressFamily, 6);
    assert.equal(refusalOf(fill(true)), 400);
    assert.equal(new Simulation().client().ask(METHOD.allocate, fill(false)).outcome, "ok");
  });

  test("RFC 8656 §7.2: EVEN-PORT where no such port is free is 508", () => {
    const world = new Simulation({ ports: [50_001, 50_003], relays: [relayAddress("203.0.113.7")] });
    const first = world.client().allocate({ evenPort: { reserveNext: false } });
    assert.equal(first.relayedAddress.port, 50_002);
    for (const reserveNext of [false, true]) {
      assert.equal(world.client().tryAllocate({ evenPort: { reserveNext } }).outcome, 508);
    }
    assert.equal(world.client().tryAllocate().outcome, "ok");
  });

  test("RFC 8656 §7.2: ADDITIONAL-ADDRESS-FAMILY other than IPv6 is 400", () => {
    for (const family of [4, "unknown"] as const) {
      assert.equal(
        refusalOf((b) => transport(b).add(ATTRIBUTE.additionalAddressFamily, family)),
        400,
      );
    }
  });

  test("RFC 8656 §7.2: a malformed ADDITIONAL-ADDRESS-FAMILY is 400", () => {
    assert.equal(
      refusalOf((b) => addRaw(transport(b), ATTRIBUTE.additionalAddressFamily.type, 2)),
      400,
    );
  });

  test("RFC 8656 §7.2: a malformed attribute that must be understood is 400", () => {
    for (const { type } of [
      ATTRIBUTE.lifetime,
      ATTRIBUTE.evenPort,
      ATTRIBUTE.requestedAddressFamily,
      ATTRIBUTE.reservationToken,
    ]) {
      assert.equal(
        refusalOf((b) => addRaw(transport(b), type, 1, 2, 3)),
        400,
      );
    }
  });

  test("RFC 8656 §7.2: a dual allocation of which one family is not ours succeeds, with ADDRESS-ERROR-CODE 440", () => {
    const families = [
      { ours: "203.0.113.7", missing: 6 },
      { ours: "2001:db8::7", missing: 4 },
    ];
    for (const { ours, missing } of families) {
      const { outcome, message } = new Simulation({ relays: [relayAddress(ours)] }).client().tryAllocate({ dual: true });
      assert.equal(outcome, "ok");
      assert.equal(message?.addressErrorCode?.family, missing);
      assert.equal(message?.addressErrorCode?.code, 440);
    }
  });

  test("RFC 8656 §7.2: a dual allocation of which one family has no port left succeeds, with ADDRESS-ERROR-CODE 508", () => {
    const world = new Simulation({ ports: [50_000, 50_000] });
    world.client().allocate({ family: 6 });
    const { outcome, message } = world.client().tryAllocate({ dual: true });
    assert.equal(outcome, "ok");
    assert.deepEqual([message?.addressErrorCode?.family, message?.addressErrorCode?.code], [6, 508]);
  });

  test("RFC 8656 §7.2: a dual allocation of which neither family has a port left is 508", () => {
    const world = new Simulation({ ports: [50_000, 50_000] });
    world.client().allocate({ dual: true });
    assert.equal(world.client().tryAllocate({ dual: true }).outcome, 508);
  });

  test("RFC 8656 §7.2: a dual allocation of which neither family is ours is 440", () => {
    assert.equal(
      refusalOf((b) => transport(b).add(ATTRIBUTE.additionalAddressFamily, 6), new Simulation({ relays: [] })),
      440,
    );
  });
});
