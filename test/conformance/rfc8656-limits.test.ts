import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { METHOD } from "../../src/stun/header.ts";
import { relayAddress, Simulation } from "../support/simulation.ts";
import { ON_ALLOCATION, TURN_REQUESTS } from "../support/turn-requests.ts";

describe("RFC 8656 §7.2: what the gateway or its operator refuses", () => {
  test("RFC 8656 §7.2: a credential's quota is 486, for each client address", () => {
    const world = new Simulation({ quota: { perCredential: 2 } });
    const username = world.username();
    const from = (address: string) => world.client({ username, address });
    const first = from("192.0.2.1:1").allocate();
    from("192.0.2.1:2").allocate();
    assert.equal(from("192.0.2.1:3").tryAllocate().outcome, 486);
    from("192.0.2.2:1").allocate();
    first.refresh({ lifetime: 0 });
    from("192.0.2.1:4").allocate();
  });

  test("RFC 8656 §7.2: a label's quota is 486", () => {
    const world = new Simulation({ quota: { perLabel: 1 } });
    world.client({ username: world.username(60, "project_ab12", "ada") }).allocate();
    assert.equal(world.client({ username: world.username(61, "project_ab12", "ada") }).tryAllocate().outcome, 486);
    world.client({ username: world.username(60, "project_ab12", "grace") }).allocate();
  });

  test("RFC 8656 §7.2: a project's quota is 486", () => {
    const world = new Simulation({ quota: { perProject: 1 } });
    world.client({ username: world.username(60, "project_a") }).allocate();
    assert.equal(world.client({ username: world.username(61, "project_a") }).tryAllocate().outcome, 486);
    world.client({ username: world.username(60, "project_b") }).allocate();
  });

  test("RFC 8656 §7.2: no relayed port left is 508", () => {
    const world = new Simulation({ ports: [50_000, 50_001], relays: [relayAddress("203.0.113.7")] });
    const clients = [world.client().allocate(), world.client().allocate()];
    assert.equal(world.client().tryAllocate().outcome, 508);
    for (const client of clients) client.refresh({ lifetime: 0 });
    world.assertNothingIsLeft();
  });

  test("RFC 8656 §7.2: no socket left is 508", () => {
    const world = new Simulation();
    world.hasSockets = false;
    assert.equal(world.client().tryAllocate().outcome, 508);
    assert.equal(world.client().tryAllocate({ dual: true }).outcome, 508);
    world.assertNothingIsLeft();
  });

  test("RFC 8656 §7.2: no room in the ledger is 508", () => {
    const world = new Simulation();
    world.ledgerIsFull = true;
    assert.equal(world.client().tryAllocate().outcome, 508);
    world.assertNothingIsLeft();
  });

  test("RFC 8656 §7.2: no place in the counters left is 508", () => {
    const world = new Simulation({ slots: 1 });
    const first = world.client().allocate();
    assert.equal(world.client().tryAllocate().outcome, 508);
    first.refresh({ lifetime: 0 });
    world.client().allocate().refresh({ lifetime: 0 });
    world.assertNothingIsLeft();
  });

  test("RFC 8656 §7.2: an Allocate while the gateway drains is 508, and live allocations go on", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    world.handle({ kind: "drain" });
    assert.equal(world.client().tryAllocate().outcome, 508);
    assert.equal(client.refresh().outcome, "ok");
    assert.equal(client.channelBind(0x4000, "198.51.100.1:9"), "ok");
  });

  test("RFC 8656 §7.2: every request where relaying is off is 403, without a question", () => {
    const world = new Simulation({ settings: { relayEnabled: false } });
    const client = world.client();
    for (const { method, fill } of TURN_REQUESTS) {
      const { outcome, message } = client.ask(method, fill, { integrity: "none" });
      assert.equal(outcome, 403);
      assert.equal(message?.nonce, undefined);
    }
    assert.equal(client.ask(METHOD.binding, () => {}, { integrity: "none" }).outcome, "ok");
  });

  test("RFC 8656 §5: live allocations go on where relaying was turned off", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    world.configure({ relayEnabled: false });
    assert.equal(client.refresh().outcome, "ok");
    assert.equal(world.client().ask(METHOD.refresh, () => {}, { integrity: "none" }).outcome, 403);
  });
});

describe("RFC 8656 §5: requests about an allocation", () => {
  test("RFC 8656 §5: a request without an allocation is 437", () => {
    const client = new Simulation().client();
    for (const { name, method, fill } of ON_ALLOCATION) assert.equal(client.ask(method, fill).outcome, 437, name);
  });

  test("RFC 8656 §5: a request with another username than the allocation's is 441", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    const username = world.username(100, "project_other");
    for (const { name, method, fill } of ON_ALLOCATION) {
      assert.equal(client.ask(method, fill, { username }).outcome, 441, name);
    }
    assert.equal(client.refresh({ lifetime: 0 }, { username }).outcome, 441);
    assert.equal(world.engine.allocations, 1);
    assert.equal(world.ports.live, 1);
  });
});
