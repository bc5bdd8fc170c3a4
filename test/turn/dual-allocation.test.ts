import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SimulatedClient } from "../support/simulated-client.ts";
import { Simulation } from "../support/simulation.ts";

const V4 = "198.51.100.1:9";
const V6 = "[2001:db8:1::1]:9";

/** A client with both families, a channel in each. */
function dual(): { world: Simulation; client: SimulatedClient } {
  const world = new Simulation();
  const client = world.client().allocate({ dual: true });
  assert.equal(client.channelBind(0x4004, V4), "ok");
  assert.equal(client.channelBind(0x4006, V6), "ok");
  return { world, client };
}

/** Which of the two families relays, both ways. */
function working(world: Simulation, client: SimulatedClient): string {
  const [ipv4, ipv6] = client.relayedAddresses;
  assert.ok(ipv4 && ipv6);
  client.received();
  for (const channel of [0x4004, 0x4006]) client.sendOver(channel, "out");
  world.peer(V4).send(ipv4, "in");
  world.peer(V6).send(ipv6, "in");
  const channels = client.received().map(({ channel }) => channel);
  const out = (peer: string): boolean => world.peer(peer).received().length > 0;
  assert.deepEqual([channels.includes(0x4004), channels.includes(0x4006)], [out(V4), out(V6)]);
  return [channels.includes(0x4004) ? "IPv4" : "", channels.includes(0x4006) ? "IPv6" : ""].join(" ").trim();
}

describe("a dual allocation", () => {
  test("RFC 8656 §7.2: has an address of each family, both relaying", () => {
    const { world, client } = dual();
    assert.deepEqual(
      client.relayedAddresses.map(({ ip }) => ip.family),
      [4, 6],
    );
    assert.equal(working(world, client), "IPv4 IPv6");
    assert.equal(world.eventsOf("allocated")[0]?.allocation.relayed.length, 2);
    assert.equal(world.quota.size, 2, "it counts once: for its credential, and for its project");
  });

  test("RFC 8656 §8.1: one family is deleted alone, with its channels and permissions", () => {
    const { world, client } = dual();
    assert.equal(client.refresh({ lifetime: 0, family: 4 }).outcome, "ok");
    assert.equal(working(world, client), "IPv6");
    assert.equal(world.ports.live, 1);
    assert.equal(client.refresh({ lifetime: 0, family: 4 }).outcome, 443);
    assert.equal(client.channelBind(0x4005, V4), 443);
    assert.equal(world.eventsOf("allocationEnded").length, 0);
    assert.equal(client.refresh({ lifetime: 0, family: 6 }).outcome, "ok");
    world.assertNothingIsLeft();
    assert.equal(world.eventsOf("allocationEnded").length, 1);
  });

  test("RFC 8656 §8.1: one family is refreshed alone, and the other expires", () => {
    const { world, client } = dual();
    assert.equal(client.refresh({ lifetime: 1200, family: 6 }).message?.lifetime, 1200);
    world.advance({ seconds: 500 });
    assert.equal(client.channelBind(0x4004, V4), "ok");
    assert.equal(client.channelBind(0x4006, V6), "ok");
    assert.equal(working(world, client), "IPv4 IPv6");
    world.advance({ seconds: 100 });
    assert.equal(working(world, client), "IPv6");
    world.advance({ seconds: 600 });
    world.assertNothingIsLeft();
  });

  test("RFC 8656 §8.1: a Refresh without a family is for all there is", () => {
    const { world, client } = dual();
    assert.equal(client.refresh({ lifetime: 1200 }).outcome, "ok");
    world.advance({ seconds: 1199 });
    assert.equal(world.ports.live, 2);
    assert.equal(client.refresh({ lifetime: 0 }).outcome, "ok");
    world.assertNothingIsLeft();
  });

  test("a deleted family's channel numbers are free at once, and nothing of the old channel ends the new one", () => {
    const { world, client } = dual();
    client.refresh({ lifetime: 3600, family: 6 });
    world.advance({ seconds: 500 });
    client.refresh({ lifetime: 0, family: 4 });
    assert.equal(client.channelBind(0x4004, "[2001:db8:1::2]:9"), "ok");
    world.advance({ seconds: 599 });
    client.sendOver(0x4004, "still bound");
    assert.equal(world.peer("[2001:db8:1::2]:9").received().length, 1);
  });

  test("an IPv6 allocation relays to IPv6 peers", () => {
    const world = new Simulation();
    const client = world.client({ address: "[2001:db8::99]:5000", server: "[2001:db8::1]:3478" }).allocate({ family: 6 });
    assert.equal(client.relayedAddress.ip.family, 6);
    assert.equal(client.createPermission(V6), "ok");
    client.sendTo(V6, "out");
    assert.deepEqual(
      world
        .peer(V6)
        .received()
        .map(({ text }) => text),
      ["out"],
    );
    world.peer(V6).send(client.relayedAddress, "in");
    assert.deepEqual(client.received(), [{ peer: V6, text: "in" }]);
  });
});
