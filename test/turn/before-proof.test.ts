import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { METHOD } from "../../src/stun/header.ts";
import { Simulation } from "../support/simulation.ts";
import { TURN_REQUESTS } from "../support/turn-requests.ts";

const bare = { integrity: "none" } as const;

describe("before proof", () => {
  test("a 401 over UDP is at most 80 octets with a hostname of 20, with FINGERPRINT and without", () => {
    const world = new Simulation({ settings: { realm: "relay.eu.example.com" } });
    const client = world.client();
    const [allocate] = TURN_REQUESTS;
    assert.ok(allocate);
    const plain = client.ask(allocate.method, allocate.fill, bare);
    assert.equal(plain.message?.bytes.length, 72);
    const withFingerprint = client.ask(allocate.method, allocate.fill, { ...bare, fingerprint: true });
    assert.equal(withFingerprint.message?.bytes.length, 80);
  });

  test("nobody is told our name", () => {
    const client = new Simulation().client();
    for (const { method, fill } of [{ method: METHOD.binding, fill: () => {} }, ...TURN_REQUESTS]) {
      const reply = client.ask(method, fill, bare);
      assert.equal(reply.message?.software, undefined);
      assert.equal(client.ask(method, fill, { password: "guess" }).message?.software, undefined);
    }
  });

  test("strangers leave nothing behind, and the first 401 is not told about", () => {
    const world = new Simulation();
    for (let i = 0; i < 200; i++) {
      for (const { method, fill } of TURN_REQUESTS) world.client().ask(method, fill, bare);
    }
    assert.deepEqual(world.events, []);
    world.client().tryAllocate({}, { password: "guess" });
    const [rejected] = world.eventsOf("rejected");
    assert.equal(rejected?.code, 401);
    assert.equal(rejected?.username, undefined);
    world.assertNothingIsLeft();
  });

  test("without budget there is silence, which is counted; a valid nonce does not need any", () => {
    const world = new Simulation();
    const client = world.client();
    client.ask(METHOD.refresh);
    world.budget.left = 0;
    assert.equal(client.tryAllocate({}, { password: "guess" }).outcome, 401);
    assert.equal(client.tryAllocate().outcome, "ok");
    const asked = world.budget.asked;
    assert.equal(client.refresh().outcome, "ok");
    assert.equal(world.budget.asked, asked);

    for (const { method, fill } of [{ method: METHOD.binding, fill: () => {} }, ...TURN_REQUESTS]) {
      assert.equal(client.ask(method, fill, bare).outcome, "silence");
      if (method === METHOD.binding) continue;
      const nonce = new TextEncoder().encode("AAAAAAAAAAAAAAAA");
      assert.equal(client.ask(method, fill, { nonce }).outcome, "silence");
      assert.equal(client.ask(method, fill, { without: ["nonce"] }).outcome, "silence");
    }
    assert.equal(
      world.eventsOf("ignored").every(({ why }) => why === "budget"),
      true,
    );
  });

  test("streams need no budget: their address is proven", () => {
    const world = new Simulation();
    world.budget.left = 0;
    for (const transport of ["tcp", "tls"] as const) {
      assert.equal(world.client({ transport }).ask(METHOD.binding, () => {}, bare).outcome, "ok");
      assert.equal(world.client({ transport }).tryAllocate().outcome, "ok");
    }
  });

  test("two of our addresses or ports are two five-tuples", () => {
    const world = new Simulation();
    const address = "192.0.2.1:1000";
    const servers = ["192.0.2.100:3478", "192.0.2.100:3479"];
    for (const server of servers) assert.equal(world.client({ address, server }).tryAllocate().outcome, "ok");
    assert.equal(world.engine.allocations, 2);
  });
});
