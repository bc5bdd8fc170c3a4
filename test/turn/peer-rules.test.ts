import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatAddress, type TransportAddress } from "../../src/net/address.ts";
import { formatIp, type IpAddress, ipFrom, parseIp } from "../../src/net/ip.ts";
import { DENIED_RANGES } from "../../src/net/special-ranges.ts";
import { parseCidr } from "../../src/net/cidr.ts";
import { PeerRules } from "../../src/policy/peers.ts";
import type { LiveRelays } from "../../src/policy/ports.ts";
import { allocateMobile, bring } from "../support/mover.ts";
import type { SimulatedClient } from "../support/simulated-client.ts";
import { relayAddress, Simulation } from "../support/simulation.ts";

const OPEN = "8.8.4.4:9";

/** A world with the rules as they are by default; our relays are at public addresses, which are the host's own. */
function ruled(): { world: Simulation; client: SimulatedClient } {
  const own = [parseIp("1.0.0.7"), parseIp("2a00::7")];
  const world = new Simulation({
    relays: [relayAddress("1.0.0.7"), relayAddress("2a00::7")],
    policy: (relays) => new PeerRules({ allow: [], deny: [], only: [], minPort: 1, own, relays }),
  });
  const client = world.client().allocate({ dual: true });
  assert.equal(client.createPermission(OPEN), "ok");
  return { world, client };
}

/** An IPv4 address in every form that stands for it, itself included. */
function formsOf(ip: IpAddress): IpAddress[] {
  if (ip.family === 6) return [ip];
  const embed = (prefix: string, at: number): IpAddress => {
    const octets = parseIp(prefix).octets.slice();
    octets.set(ip.octets, at);
    return ipFrom(octets);
  };
  return [ip, embed("::ffff:0:0", 12), embed("::", 12), embed("64:ff9b::", 12), embed("2002::", 2)];
}

function at(ip: IpAddress, port: number): TransportAddress {
  return { ip, port };
}

describe("with the rules of the product", () => {
  test("no datagram reaches a denied range, in any form, by any method", () => {
    for (const { range } of DENIED_RANGES) {
      for (const ip of formsOf(range.ip)) {
        const { world, client } = ruled();
        const peer = formatAddress(at(ip, 9));
        assert.equal(client.createPermission(peer), 403, peer);
        assert.equal(client.createPermission(OPEN, peer), 403, peer);
        assert.equal(client.channelBind(0x4000, peer), 403, peer);
        client.sendTo(peer, "x");
        client.sendOver(0x4000, "x");
        assert.equal(world.peer(peer).received().length, 0, peer);
        assert.ok(world.eventsOf("peerDenied").every(({ rule }) => rule.length > 0));
        assert.ok(!world.eventsOf("permitted").some(({ peer: permitted }) => formatIp(permitted.ip) === formatIp(ip)));
      }
    }
  });

  test("a port of our own that is no live relay is reached by nothing, though its address may be permitted", () => {
    const { world, client } = ruled();
    const other = world.client().allocate();
    const { ip } = other.relayedAddress;
    const dead = [22, 443, 3478, other.relayedAddress.port === 51_999 ? 50_000 : other.relayedAddress.port + 1];
    assert.equal(client.createPermission(formatAddress(at(ip, 0))), "ok");
    for (const port of dead) {
      if (client.relayedAddresses.some((mine) => mine.port === port)) continue;
      const peer = formatAddress(at(ip, port));
      client.sendTo(peer, "x");
      assert.equal(client.channelBind(0x4000, peer), 403);
      assert.equal(world.peer(peer).received().length, 0);
    }
  });

  test("a live relay of ours is reached until it ends, and nothing behind it within a second of that", () => {
    const { world, client } = ruled();
    const other = world.client().allocate();
    const mine = client.relayedAddresses.find(({ ip }) => ip.family === 4);
    assert.ok(mine);
    const peer = formatAddress(other.relayedAddress);
    assert.equal(client.createPermission(peer), "ok");
    assert.equal(other.createPermission(formatAddress(mine)), "ok");
    client.sendTo(peer, "alive");
    assert.deepEqual(other.received(), [{ peer: formatAddress(mine), text: "alive" }]);
    other.refresh({ lifetime: 0 });
    world.advance({ seconds: 1 });
    client.sendTo(peer, "dead");
    assert.equal(world.peer(peer).received().length, 0);
  });

  test("a channel to a live relay of ours ends with it, within a second; bound again it is 403, to the next one it leads", () => {
    const { world, client } = ruled();
    const other = world.client().allocate();
    const peer = formatAddress(other.relayedAddress);
    assert.equal(client.channelBind(0x4000, peer), "ok");
    assert.equal(client.channelBind(0x4001, OPEN), "ok");
    world.advance({ seconds: 3 });
    client.sendOver(0x4000, "permitted nobody");
    other.refresh({ lifetime: 0 });
    world.advance({ seconds: 1 });
    client.sendOver(0x4000, "dead");
    client.sendOver(0x4001, "open");
    assert.equal(world.peer(peer).received().length, 0);
    assert.deepEqual(
      world
        .peer(OPEN)
        .received()
        .map(({ text }) => text),
      ["open"],
    );
    assert.equal(client.channelBind(0x4000, peer), 403);

    const next = world.client().allocate();
    assert.equal(client.channelBind(0x4002, formatAddress(next.relayedAddress)), "ok");
    client.refresh({ lifetime: 0 });
    next.refresh({ lifetime: 0 });
    world.assertNothingIsLeft();
  });

  for (const where of ["the same shard", "another shard"]) {
    test(`so it does when the relay was on ${where}, and after its own allocation has moved`, () => {
      const own = [parseIp("1.0.0.7")];
      const options = {
        relays: [relayAddress("1.0.0.7")],
        policy: (relays: LiveRelays) => new PeerRules({ allow: [], deny: [], only: [], minPort: 1, own, relays }),
      };
      const here = new Simulation(options);
      const there = new Simulation({ ...options, beside: here });
      const username = here.username();
      const client = here.client({ username });
      const ticket = allocateMobile(client);
      const other = (where === "the same shard" ? here : there).client().allocate();
      const peer = formatAddress(other.relayedAddress);
      assert.equal(client.channelBind(0x4000, peer), "ok");
      const moved = there.client({ username });
      assert.equal(bring(moved, ticket).outcome, "ok");
      moved.sendOver(0x4000, "nobody is permitted");
      other.refresh({ lifetime: 0 });
      for (const world of [here, there]) world.advance({ seconds: 1 });
      moved.sendOver(0x4000, "dead");
      assert.equal(there.peer(peer).received().length + here.peer(peer).received().length, 0);
      assert.equal(moved.channelBind(0x4000, peer), 403);
      moved.refresh({ lifetime: 0 });
      for (const world of [here, there]) world.assertNothingIsLeft();
    });
  }

  test("a channel to a relay that has ended stays where another rule allows its peer", () => {
    const peers = parseCidr("1.0.0.0/24");
    const world = new Simulation({
      relays: [relayAddress("1.0.0.7")],
      policy: (relays) => new PeerRules({ allow: [peers], deny: [], only: [], minPort: 1, own: [], relays }),
    });
    const [client, other] = [world.client().allocate(), world.client().allocate()];
    const peer = formatAddress(other.relayedAddress);
    assert.equal(client.channelBind(0x4000, peer), "ok");
    other.refresh({ lifetime: 0 });
    world.advance({ seconds: 2 });
    client.sendOver(0x4000, "allowed");
    assert.equal(world.peer(peer).received().length, 1);
  });
});
