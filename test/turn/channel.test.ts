import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SimulatedClient } from "../support/simulated-client.ts";
import { relayAddress, Simulation } from "../support/simulation.ts";

const PEER = "198.51.100.1:9";

/** Which directions of channel 0x4000 carry data. */
function directions(world: Simulation, client: SimulatedClient): string {
  client.received();
  client.sendOver(0x4000, "out");
  world.peer(PEER).send(client.relayedAddress, "in");
  const out = world.peer(PEER).received().length > 0;
  const back = client.received().length > 0;
  return `${out ? "out" : "-"} ${back ? "in" : "-"}`;
}

describe("a channel", () => {
  test("relays both ways without the engine", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    assert.equal(client.channelBind(0x4000, PEER), "ok");
    const before = world.events.length;
    assert.equal(directions(world, client), "out in");
    assert.equal(world.events.length, before);
    const [route] = world.routes.values();
    assert.deepEqual([route?.channel, route?.toClient], [0x4000, true]);
  });

  test("outlives its permission, and then carries data to the peer only", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    client.channelBind(0x4000, PEER);
    world.advance({ seconds: 299 });
    assert.equal(directions(world, client), "out in");
    world.advance({ seconds: 1 });
    assert.equal(directions(world, client), "out -");
    assert.equal(client.createPermission("198.51.100.1:0"), "ok");
    assert.equal(directions(world, client), "out in");
  });

  test("RFC 8656 §12: lasts ten minutes unless it is bound again, which permits its peer again", () => {
    const world = new Simulation();
    const client = world.client().allocate({ lifetime: 3600 });
    client.channelBind(0x4000, PEER);
    world.advance({ seconds: 590 });
    assert.equal(client.channelBind(0x4000, PEER), "ok");
    assert.equal(directions(world, client), "out in");
    world.advance({ seconds: 599 });
    assert.equal(directions(world, client), "out -");
    world.advance({ seconds: 1 });
    assert.equal(directions(world, client), "- -");
    assert.equal(client.channelBind(0x4000, PEER), "ok");
    assert.equal(directions(world, client), "out in");
    assert.equal(world.eventsOf("channelBound").length, 2);
  });

  test("RFC 8656 §9: permits every port of the peer's address, for indications", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    client.channelBind(0x4000, PEER);
    world.peer("198.51.100.1:77").send(client.relayedAddress, "hello");
    assert.deepEqual(client.received(), [{ peer: "198.51.100.1:77", text: "hello" }]);
  });

  test("RFC 8656 §12.6: data over it refreshes nothing", () => {
    const world = new Simulation();
    const client = world.client().allocate({ lifetime: 3600 });
    client.channelBind(0x4000, PEER);
    for (let i = 0; i < 60; i++) {
      directions(world, client);
      world.advance({ seconds: 10 });
    }
    assert.equal(directions(world, client), "- -");
  });

  test("several to one address, at different ports, share one permission", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    for (let i = 0; i < 10; i++) assert.equal(client.channelBind(0x4000 + i, `198.51.100.1:${100 + i}`), "ok");
    assert.equal(world.eventsOf("permitted").length, 1);
    world.advance({ seconds: 300 });
    assert.ok([...world.routes.values()].every(({ toClient }) => !toClient));
    client.createPermission("198.51.100.1:0");
    assert.ok([...world.routes.values()].every(({ toClient }) => toClient));
  });

  test("of one allocation has no bearing on another's", () => {
    const world = new Simulation();
    const clients = [world.client().allocate(), world.client({ transport: "tls" }).allocate()];
    for (const [i, client] of clients.entries()) assert.equal(client.channelBind(0x4000, `198.51.100.${i}:9`), "ok");
    for (const [i, client] of clients.entries()) {
      client.sendOver(0x4000, `${i}`);
      assert.deepEqual(
        world
          .peer(`198.51.100.${i}:9`)
          .received()
          .map(({ text }) => text),
        [`${i}`],
      );
    }
  });
});

describe("two clients, each the other's peer", () => {
  for (const { name, relays } of [
    { name: "at the address that is bound", relays: [relayAddress("203.0.113.7")] },
    { name: "at an external address behind a 1:1 NAT", relays: [relayAddress("10.0.0.7", "203.0.113.7")] },
  ]) {
    test(`reach each other ${name}, and see the address that was shown`, () => {
      const world = new Simulation({ relays });
      const [a, b] = [world.client().allocate(), world.client({ transport: "tls" }).allocate()];
      assert.ok(a && b);
      const shown = ({ relayedAddress: { ip, port } }: SimulatedClient): string => `${ip.octets.join(".")}:${port}`;
      assert.match(shown(a), /^203\.0\.113\.7:/);

      assert.equal(a.createPermission(shown(b)), "ok");
      assert.equal(b.createPermission(shown(a)), "ok");
      a.sendTo(shown(b), "indication");
      assert.deepEqual(b.received(), [{ peer: shown(a), text: "indication" }]);

      assert.equal(a.channelBind(0x4000, shown(b)), "ok");
      assert.equal(b.channelBind(0x4001, shown(a)), "ok");
      a.sendOver(0x4000, "there");
      assert.deepEqual(b.received(), [{ channel: 0x4001, text: "there" }]);
      b.sendOver(0x4001, "and back");
      assert.deepEqual(a.received(), [{ channel: 0x4000, text: "and back" }]);
    });
  }
});
