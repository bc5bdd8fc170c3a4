import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatAddress } from "../../src/net/address.ts";
import { formatIp } from "../../src/net/ip.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
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

  test("a move that is refused for a quota leaves the one before as it was", () => {
    const { here, there, username } = two({ quota: { perCredential: 1 } });
    const ticket = allocateMobile(here.client({ username, address: "192.0.2.1:1" }));
    const first = there.client({ username, address: "192.0.2.2:1" });
    assert.equal(bring(first, ticket).outcome, "ok");
    here.client({ username, address: "192.0.2.3:1" }).allocate();
    assert.equal(bring(there.client({ username, address: "192.0.2.3:2" }), ticket).outcome, 486);
    assert.equal(first.createPermission(PEER), "ok");
    assert.equal(there.engine.allocations, 1);
    here.handle({ kind: "ended", username });
    there.handle({ kind: "ended", username });
    for (const world of [here, there]) world.assertNothingIsLeft();
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
  test("a Refresh with a ticket that names a family that there is not is 443, and moves nothing", () => {
    const { here, there, username } = two();
    const old = here.client({ username });
    const ticket = allocateMobile(old);
    const moved = there.client({ username });
    assert.equal(bring(moved, ticket, (b) => b.add(ATTRIBUTE.requestedAddressFamily, 6)).outcome, 443);
    assert.equal(moved.createPermission(PEER), 437);
    assert.equal(old.createPermission(PEER), "ok");
  });

  test("of two allocations that are shown from one five-tuple only the last may come there", () => {
    const { here, there, username } = two({ quota: { perCredential: 2 } });
    const stream = here.client({ username, transport: "tcp", address: "192.0.2.1:1" });
    const first = allocateMobile(stream);
    const udp = here.client({ username, address: "192.0.2.1:2" });
    const second = allocateMobile(udp);
    const both = there.client({ username, address: "192.0.2.2:1" });
    assert.equal(bring(both, first).outcome, "ok");
    assert.equal(bring(both, second).outcome, "ok");
    stream.disconnect();
    assert.deepEqual([here.engine.allocations, there.engine.allocations], [2, 0], "it waits for its client");
    both.sendTo(PEER, "here I am");
    assert.deepEqual([here.engine.allocations, there.engine.allocations], [1, 1]);
    assert.deepEqual(both.refresh({ lifetime: 0 }).outcome, "ok");
    here.advance({ ms: MOBILITY_GRACE_MS });
    for (const world of [here, there]) world.assertNothingIsLeft();
  });

  test("an allocation that comes where its client has asked for another one meanwhile is over, and the other comes", () => {
    const { here, there, username } = two();
    const third = new Simulation({ beside: here });
    const stream = here.client({ username, transport: "tcp" });
    const first = allocateMobile(stream);
    const second = allocateMobile(third.client({ username }));
    const both = there.client({ username });
    assert.equal(bring(both, first).outcome, "ok");
    const onTheWay = here.holdMessages();
    stream.disconnect();
    assert.equal(bring(both, second).outcome, "ok");
    onTheWay.release();
    assert.equal(there.eventsOf("allocationEnded")[0]?.reason, "client disconnected");
    both.sendTo(PEER, "here I am");
    assert.deepEqual([there.engine.allocations, third.engine.allocations], [1, 0]);
    assert.equal(both.refresh({ lifetime: 0 }).outcome, "ok");
    for (const world of [here, there, third]) world.assertNothingIsLeft();
  });

  test("whoever has begun to use one allocation is not given another that was offered late", () => {
    const { here, there, username } = two();
    const third = new Simulation({ beside: here });
    const first = allocateMobile(here.client({ username }));
    const second = allocateMobile(third.client({ username }));
    const both = there.client({ username });
    assert.equal(bring(both, first).outcome, "ok");
    const offer = third.holdMessages();
    assert.equal(bring(both, second).outcome, "silence");
    both.sendTo(PEER, "here I am");
    offer.release();
    assert.deepEqual([there.engine.allocations, third.engine.allocations, there.engine.expects], [1, 1, false]);
    for (const world of [here, there, third]) world.handle({ kind: "ended", username });
    for (const world of [here, there, third]) world.assertNothingIsLeft();
  });

  test("a ticket finds its allocation although one of its ports has become another shard's", () => {
    const { here, there, username } = two({ ports: [50_000, 50_000] });
    const old = here.client({ username });
    const ticket = allocateMobile(old, (b) => b.add(ATTRIBUTE.additionalAddressFamily, 6));
    assert.equal(old.refresh({ lifetime: 0, family: 4 }).outcome, "ok");
    there.client().allocate();
    const moved = there.client({ username });
    assert.equal(bring(moved, ticket).outcome, "ok");
    assert.equal(moved.createPermission("[2001:db8::1]:9"), "ok");
    assert.deepEqual([here.engine.allocations, there.engine.allocations], [0, 2]);
  });

  test("a channel into a relay of ours that ends while the channel moves ends too", () => {
    const { here, there, username } = two();
    const inner = here.client().allocate();
    const target = formatAddress(inner.relayedAddress);
    const old = here.client({ username });
    const ticket = allocateMobile(old);
    assert.equal(old.channelBind(0x4000, target), "ok");
    const moved = there.client({ username });
    bring(moved, ticket);
    here.peers.denied.add(formatIp(inner.relayedAddress.ip)); // allowed for what lives there, and for nothing else
    inner.refresh({ lifetime: 0 });
    moved.createPermission(PEER);
    assert.equal(there.routes.size, 1);
    there.advance({ seconds: 1 });
    assert.equal(there.routes.size, 0);
  });

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

  test("what a client has said leaves before its allocation goes on to where its ticket was brought meanwhile", () => {
    const { here, there, username } = two();
    const third = new Simulation({ beside: here });
    const old = here.client({ username });
    const ticket = allocateMobile(old);
    old.channelBind(0x4000, PEER);
    const stream = there.client({ username, transport: "tls" });
    const next = ticketIn(bring(stream, ticket));
    const onTheWay = here.holdMessages();
    stream.sendOver(0x4000, "before I go");
    const last = third.client({ username });
    assert.equal(bring(last, next).outcome, "silence");
    stream.disconnect();
    onTheWay.release();
    assert.equal(here.peer(PEER).received()[0]?.text, "before I go");
    assert.deepEqual([there.engine.allocations, third.engine.allocations], [0, 1]);
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
