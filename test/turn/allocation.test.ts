import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation } from "../support/simulation.ts";

describe("an allocation", () => {
  test("lives 600 s if nothing else is asked, and gives all back", () => {
    const world = new Simulation();
    const client = world.client();
    const { message } = client.tryAllocate();
    assert.equal(message?.lifetime, 600);
    assert.equal(message?.software, "icebreaker");
    assert.deepEqual(message?.xorMappedAddress, client.from.client);
    assert.equal(client.relayedAddress.ip.family, 4);
    world.advance({ seconds: 599 });
    assert.equal(world.engine.allocations, 1);
    world.advance({ seconds: 1 });
    world.assertNothingIsLeft();
    assert.equal(world.eventsOf("allocationEnded")[0]?.reason, "expired");
    assert.equal(world.eventsOf("allocationEnded")[0]?.durationMs, 600_000);
  });

  test("relays both ways over a channel and by indications", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    const peer = world.peer("198.51.100.1:9");
    assert.equal(client.channelBind(0x4000, "198.51.100.1:9"), "ok");
    client.sendOver(0x4000, "one");
    client.sendTo("198.51.100.1:9", "two");
    assert.deepEqual(peer.received().map(({ text }) => text), ["one", "two"]);
    peer.send(client.relayedAddress, "three");
    assert.deepEqual(client.received(), [{ channel: 0x4000, text: "three" }]);
    assert.equal(client.createPermission("198.51.100.2:1"), "ok");
    world.peer("198.51.100.2:10").send(client.relayedAddress, "four");
    assert.deepEqual(client.received(), [{ peer: "198.51.100.2:10", text: "four" }]);
  });
});
