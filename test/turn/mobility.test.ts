import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MAX_WAITING_MESSAGES, MOBILITY_GRACE_MS } from "../../src/turn/settings.ts";
import { allocateMobile, bring, ticketIn } from "../support/mover.ts";
import { Simulation } from "../support/simulation.ts";

const PEER = "198.51.100.1:9";

function two(options: ConstructorParameters<typeof Simulation>[0] = {}) {
  const here = new Simulation(options);
  return { here, there: new Simulation({ ...options, beside: here }), username: here.username(3600, "project_ab12", "ann") };
}

describe("quota on the move", () => {
  test("an allocation counts at both addresses until it has moved, then at the new one alone", () => {
    const { here, there, username } = two({ quota: { perLabel: 1 } });
    const old = here.client({ username, address: "192.0.2.1:1" });
    const ticket = allocateMobile(old);
    const moved = there.client({ username, address: "192.0.2.2:1" });
    const outcomes = () =>
      ["192.0.2.1:9", "192.0.2.2:9"].map((address) => {
        const client = here.client({ username, address });
        const { outcome } = client.tryAllocate();
        if (outcome === "ok") client.refresh({ lifetime: 0 });
        return outcome;
      });
    assert.deepEqual(outcomes(), [486, "ok"]);
    assert.equal(bring(moved, ticket).outcome, "ok");
    assert.deepEqual(outcomes(), [486, 486]);
    moved.createPermission(PEER);
    assert.deepEqual(outcomes(), ["ok", 486]);
    moved.refresh({ lifetime: 0 });
    assert.deepEqual(outcomes(), ["ok", "ok"]);
    there.assertNothingIsLeft();
  });

  test("a move to an address that has its share is 486, and the allocation stays where it is", () => {
    const { here, there, username } = two({ quota: { perCredential: 1 } });
    const old = here.client({ username, address: "192.0.2.1:1" });
    const ticket = allocateMobile(old);
    const taken = there.client({ username, address: "192.0.2.2:1" }).allocate();
    const moved = there.client({ username, address: "192.0.2.2:2" });
    assert.equal(bring(moved, ticket).outcome, 486);
    assert.equal(old.createPermission(PEER), "ok");
    taken.refresh({ lifetime: 0 });
    assert.equal(bring(moved, ticket).outcome, "ok");
  });

  test("a move for which the ledger has no room is 508, and the allocation stays where it is", () => {
    const { here, there, username } = two();
    const old = here.client({ username });
    const ticket = allocateMobile(old);
    here.ledgerIsFull = true;
    assert.equal(bring(there.client({ username, address: "192.0.2.2:1" }), ticket).outcome, 508);
    assert.equal(old.refresh().outcome, "ok");
  });

  test("whoever only says that they move gains nothing", () => {
    const { here, there, username } = two({ quota: { perCredential: 2 } });
    const first = here.client({ username, address: "192.0.2.1:1" });
    let ticket = allocateMobile(first);
    for (let i = 2; i < 20; i++) ticket = ticketIn(bring(there.client({ username, address: `192.0.2.${i}:1` }), ticket));
    here.client({ username, address: "192.0.2.1:2" }).allocate();
    assert.equal(here.client({ username, address: "192.0.2.1:3" }).tryAllocate().outcome, 486);
    here.handle({ kind: "ended", username });
    for (const world of [here, there]) world.assertNothingIsLeft();
    assert.equal(there.engine.expects, false);
  });
});

describe("a stream with a ticket", () => {
  test("its allocation waits for it a minute, then ends", () => {
    const { here, username } = two();
    const client = here.client({ username, transport: "tls" });
    allocateMobile(client);
    client.disconnect();
    here.advance({ ms: MOBILITY_GRACE_MS - 1 });
    assert.equal(here.engine.allocations, 1);
    here.advance({ ms: 1 });
    assert.equal(here.eventsOf("allocationEnded")[0]?.reason, "client disconnected");
    here.assertNothingIsLeft();
  });

  test("its client comes back over another transport, and is heard at once", () => {
    const { here, there, username } = two();
    const client = here.client({ username, transport: "tls" });
    const ticket = allocateMobile(client);
    client.createPermission(PEER);
    client.disconnect();
    const udp = there.client({ username });
    assert.equal(bring(udp, ticket).outcome, "ok");
    here.peer(PEER).send(client.relayedAddress, "nobody else could hear this");
    assert.equal(udp.received().length, 1);
    here.advance({ ms: MOBILITY_GRACE_MS });
    assert.equal(there.engine.allocations, 1);
  });

  test("it goes where its client has turned up when the old stream closes", () => {
    const { here, there, username } = two();
    const client = here.client({ username, transport: "tcp" });
    const ticket = allocateMobile(client);
    client.createPermission(PEER);
    const tls = there.client({ username, transport: "tls" });
    assert.equal(bring(tls, ticket).outcome, "ok");
    assert.equal(here.engine.allocations, 1);
    client.disconnect();
    assert.deepEqual([here.engine.allocations, there.engine.allocations], [0, 1]);
    here.peer(PEER).send(client.relayedAddress, "to the new stream");
    assert.equal(tls.received().length, 1);
  });

  test("a new stream that has closed before the allocation came is one that may come back", () => {
    const { here, there, username } = two();
    const client = here.client({ username, transport: "tcp" });
    const ticket = allocateMobile(client);
    const tls = there.client({ username, transport: "tls" });
    bring(tls, ticket);
    tls.disconnect();
    client.disconnect();
    assert.equal(there.engine.allocations, 1);
    there.advance({ ms: MOBILITY_GRACE_MS });
    for (const world of [here, there]) world.assertNothingIsLeft();
  });

  test("without a ticket it ends with its stream", () => {
    const { here } = two();
    const client = here.client({ transport: "tls" }).allocate();
    client.disconnect();
    here.assertNothingIsLeft();
  });
});

describe("what can go wrong on the way", () => {
  test("a credential that was revoked while its allocation had no shard", () => {
    const { here, there, username } = two();
    const old = here.client({ username });
    const ticket = allocateMobile(old);
    const moved = there.client({ username });
    bring(moved, ticket);
    here.authority.revoked.add(username); // there has heard of it, here has not
    moved.createPermission(PEER);
    assert.equal(there.eventsOf("allocationEnded")[0]?.reason, "revoked");
    for (const world of [here, there]) world.assertNothingIsLeft();
  });

  test("a shard without room for it, or a system without descriptors, ends it", () => {
    for (const broken of ["slots", "sockets"] as const) {
      const here = new Simulation();
      const there = new Simulation({ beside: here, slots: broken === "slots" ? 0 : 9 });
      const old = here.client();
      const ticket = allocateMobile(old);
      const moved = there.client({ username: old.username });
      assert.equal(bring(moved, ticket).outcome, "ok");
      if (broken === "sockets") here.hasSockets = false;
      moved.sendTo(PEER, "here I am");
      assert.equal(here.eventsOf("allocationEnded").length + there.eventsOf("allocationEnded").length, 1, broken);
      for (const world of [here, there]) world.assertNothingIsLeft();
    }
  });

  test("an expired credential may move what outlives it, and nothing else", () => {
    for (const [onExpiry, outcome] of [
      ["finish", "ok"],
      ["cut", 401],
    ] as const) {
      const { here, there } = two({ settings: { onExpiry } });
      const username = here.username(60);
      const ticket = allocateMobile(here.client({ username }));
      here.advance({ seconds: 61 });
      assert.equal(bring(there.client({ username }), ticket).outcome, outcome);
    }
  });

  test("an allocation that ends before its client has spoken leaves nobody expected", () => {
    const { here, there, username } = two();
    const old = here.client({ username });
    const moved = there.client({ username });
    bring(moved, allocateMobile(old));
    assert.equal(there.engine.expects, true);
    old.refresh({ lifetime: 0 });
    assert.equal(there.engine.expects, false);
    assert.equal(moved.createPermission(PEER), 437);
    there.assertNothingIsLeft();
  });

  test("what a client says while its allocation is on its way is kept in order, within a limit", () => {
    const { here, there, username } = two();
    const old = here.client({ username });
    const ticket = allocateMobile(old);
    old.channelBind(0x4000, PEER);
    const moved = there.client({ username });
    bring(moved, ticket);
    // The claim is held back: as if the other thread took its time.
    const claims = there.holdMessages();
    for (let i = 0; i < MAX_WAITING_MESSAGES + 5; i++) moved.sendOver(0x4000, `${i}`);
    assert.deepEqual(here.peer(PEER).received(), []);
    claims.release();
    const texts = here
      .peer(PEER)
      .received()
      .map(({ text }) => text);
    assert.deepEqual(
      texts,
      Array.from({ length: MAX_WAITING_MESSAGES }, (_, i) => `${i}`),
    );
    moved.sendOver(0x4000, "later");
    assert.equal(here.peer(PEER).received()[0]?.text, "later");
  });

  test("a ticket that is brought while the allocation is on its way to its owner waits for it", () => {
    const { here, there, username } = two();
    const third = new Simulation({ beside: here });
    const ticket = allocateMobile(here.client({ username }));
    const second = there.client({ username });
    const next = ticketIn(bring(second, ticket));
    const onTheWay = here.holdMessages();
    second.sendTo(PEER, "I am here now");
    const last = third.client({ username });
    assert.equal(bring(last, next).outcome, "silence");
    onTheWay.release();
    assert.ok(last.inbox.length === 1 && there.engine.allocations === 1);
    last.sendTo(PEER, "and now here");
    assert.equal(third.engine.allocations, 1);
    assert.deepEqual(
      here
        .peer(PEER)
        .received()
        .map(({ text }) => text),
      [],
    );
  });
});
