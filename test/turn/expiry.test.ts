import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SimulatedClient } from "../support/simulated-client.ts";
import { Simulation } from "../support/simulation.ts";

const PEER = "198.51.100.1:9";

/** A client whose credential lives 1,000 s, with an allocation of up to an hour and a channel. */
function begun(onExpiry: "finish" | "cut", transport: "udp" | "tls" = "udp"): { world: Simulation; client: SimulatedClient } {
  const world = new Simulation({ settings: { onExpiry, maxAllocationAgeSeconds: 3000 } });
  const client = world.client({ username: world.username(1000), transport }).allocate({ lifetime: 3600 });
  assert.equal(client.channelBind(0x4000, PEER), "ok");
  return { world, client };
}

/** Whether packets pass, over the channel and by indications, both ways. */
function relays(world: Simulation, client: SimulatedClient): boolean {
  const relayed = client.relayedAddress;
  client.received();
  client.sendOver(0x4000, "channel");
  client.sendTo(PEER, "indication");
  world.peer(PEER).send(relayed, "back");
  const counts = [world.peer(PEER).received().length, client.received().length];
  assert.ok(counts.join() === "2,1" || counts.join() === "0,0", `all or none: ${counts}`);
  return counts[0] === 2;
}

function refreshAll(client: SimulatedClient): unknown[] {
  return [client.refresh({ lifetime: 3600 }).outcome, client.createPermission(PEER), client.channelBind(0x4000, PEER)];
}

describe("when a credential ends", () => {
  test("valid: all is granted", () => {
    const { world, client } = begun("finish");
    world.advance({ seconds: 290 });
    assert.ok(relays(world, client));
    assert.deepEqual(refreshAll(client), ["ok", "ok", "ok"]);
  });

  test("expired, finish: no Allocate, but a live allocation goes on to its greatest age", () => {
    const { world, client } = begun("finish");
    for (let seconds = 200; seconds < 3000; seconds += 200) {
      world.advance({ seconds: 200 });
      assert.ok(relays(world, client), `after ${seconds} s`);
      assert.deepEqual(refreshAll(client), ["ok", "ok", "ok"]);
      if (seconds >= 1000) assert.equal(world.client({ username: client.username }).tryAllocate().outcome, 401);
    }
    world.advance({ seconds: 199 });
    assert.ok(relays(world, client));
    world.advance({ seconds: 1 });
    assert.equal(relays(world, client), false);
    world.assertNothingIsLeft();
    assert.deepEqual(refreshAll(client), [401, 401, 401]);
  });

  test("expired, finish: somebody else's live allocation on the five-tuple helps nobody", () => {
    const { world, client } = begun("finish");
    const username = world.username(10, "project_other");
    world.advance({ seconds: 10 });
    assert.equal(client.refresh({}, { username }).outcome, 401);
  });

  test("expired, cut: packets end at the expiry, LIFETIME says so before", () => {
    const { world, client } = begun("cut");
    assert.equal(client.refresh({ lifetime: 3600 }).message?.lifetime, 1000);
    for (const seconds of [250, 250, 250, 249]) {
      world.advance({ seconds });
      assert.equal(client.channelBind(0x4000, PEER), "ok");
      assert.ok(relays(world, client));
    }
    world.advance({ seconds: 1 });
    assert.equal(relays(world, client), false);
    world.assertNothingIsLeft();
    assert.deepEqual(refreshAll(client), [401, 401, 401]);
    assert.equal(client.tryAllocate().outcome, 401);
  });

  test("revoked: live allocations end at once, streams are closed, and nothing is granted", () => {
    for (const transport of ["udp", "tls"] as const) {
      const { world, client } = begun("finish", transport);
      const other = world.client().allocate();
      world.authority.revoked.add(client.username);
      world.handle({ kind: "ended", username: client.username });
      assert.equal(relays(world, client), false);
      assert.equal(client.isClosed, transport === "tls");
      assert.deepEqual(refreshAll(client), [401, 401, 401]);
      assert.equal(client.tryAllocate().outcome, 401);
      assert.equal(world.eventsOf("allocationEnded")[0]?.reason, "revoked");
      assert.equal(world.engine.allocations, 1);
      other.refresh({ lifetime: 0 });
      world.assertNothingIsLeft();
    }
  });

  test("project deleted: all of its allocations end, whatever their username, and no other's", () => {
    const world = new Simulation();
    const doomed = Array.from({ length: 5 }, (_, i) =>
      world.client({ username: world.username(100 + i, "project_a") }).allocate(),
    );
    const safe = world.client({ username: world.username(100, "project_b") }).allocate();
    world.authority.deleted.add("project_a");
    world.handle({ kind: "projectEnded", project: "project_a" });
    assert.equal(world.engine.allocations, 1);
    for (const client of doomed) assert.equal(client.refresh().outcome, 401);
    assert.equal(safe.refresh().outcome, "ok");
    assert.ok(world.eventsOf("allocationEnded").every(({ reason }) => reason === "project deleted"));
    world.handle({ kind: "projectEnded", project: "project_a" });
    world.handle({ kind: "ended", username: "nobody" });
  });

  test("new settings leave live allocations what they were given", () => {
    const { world, client } = begun("finish");
    world.configure({ onExpiry: "cut", maxAllocationAgeSeconds: 600 });
    world.advance({ seconds: 1100 });
    assert.equal(client.channelBind(0x4000, PEER), "ok");
    assert.ok(relays(world, client));
    const late = world.client({ username: world.username(100) }).tryAllocate({ lifetime: 3600 });
    assert.equal(late.message?.lifetime, 100);
  });

  test("the wall clock set back or forward ends no allocation", () => {
    for (const unixOffsetMs of [-3_600_000, 900_000]) {
      const { world, client } = begun("cut");
      world.unixOffsetMs = unixOffsetMs;
      world.advance({ seconds: 10 });
      assert.ok(relays(world, client));
    }
  });
});

test("when all that is known of credentials has changed, those that are none any more end", () => {
  const world = new Simulation();
  const [kept, gone] = ["project_kept", "project_gone"].map((project) =>
    world.client({ username: world.username(3600, project) }).allocate(),
  );
  world.authority.deleted.add("project_gone");
  world.handle({ kind: "judge" });
  assert.equal(kept?.refresh().outcome, "ok");
  assert.equal(gone?.refresh().outcome, 401);
  assert.equal(world.engine.allocations, 1);
});
