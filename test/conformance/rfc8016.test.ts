import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { allocateMobile, bring, ticketIn, tryAllocateMobile } from "../support/mover.ts";
import { Simulation } from "../support/simulation.ts";

const PEER = "198.51.100.1:9";

/** Two shards of a process, and a client of the first with an allocation, a permission and a channel. */
function scene(options: ConstructorParameters<typeof Simulation>[0] = {}) {
  const here = new Simulation(options);
  const there = new Simulation({ ...options, beside: here });
  const username = here.username();
  const old = here.client({ username });
  const ticket = allocateMobile(old, (b) => b.add(ATTRIBUTE.lifetime, 1200));
  assert.equal(old.channelBind(0x4001, PEER), "ok");
  return { here, there, username, old, ticket, peer: here.peer(PEER), relayed: old.relayedAddress };
}

describe("RFC 8016 §3.1: an allocation that may move", () => {
  test("RFC 8016 §3.1.2: an empty ticket in Allocate is answered with one", () => {
    const world = new Simulation();
    const client = world.client();
    assert.equal(allocateMobile(client).length, 32);
    assert.equal(client.refresh().message?.mobilityTicket, undefined, "who does not ask again gets none");
  });

  test("RFC 8016 §3.1.2: without one in the request there is none in the answer", () => {
    assert.equal(new Simulation().client().tryAllocate().message?.mobilityTicket, undefined);
  });

  test("RFC 8016 §3.1.2: an Allocate with a ticket that is not empty is 400", () => {
    const world = new Simulation();
    assert.equal(tryAllocateMobile(world.client(), () => {}, new Uint8Array(5)).outcome, 400);
    world.assertNothingIsLeft();
  });

  test("RFC 8016 §3.1.2: asking for a ticket where mobility is off is 405", () => {
    const world = new Simulation({ settings: { mobility: false } });
    assert.equal(tryAllocateMobile(world.client()).outcome, 405);
    assert.equal(world.client().tryAllocate().outcome, "ok");
  });

  test("RFC 8016 §3.1.2: no two tickets are alike, and a retransmitted Allocate gets one too", () => {
    const world = new Simulation();
    const client = world.client();
    const first = allocateMobile(client);
    const again = client.exchange(client.lastRequest?.bytes ?? new Uint8Array(0));
    assert.ok(again[0]?.mobilityTicket);
    assert.notDeepEqual(again[0]?.mobilityTicket, first);
  });
});

for (const [where, pick] of [
  ["another shard", ({ there }: ReturnType<typeof scene>) => there],
  ["the same shard", ({ here }: ReturnType<typeof scene>) => here],
] as const) {
  describe(`RFC 8016 §3.2: a client that turns up at ${where}`, () => {
    test(`RFC 8016 §3.2.2: keeps relayed address, permissions, channels and lifetime (${where})`, () => {
      const it = scene();
      const client = pick(it).client({ username: it.username, address: "192.0.2.77:4000" });
      it.here.advance({ seconds: 100 });
      const reply = bring(client, it.ticket, (b) => b.add(ATTRIBUTE.lifetime, 900));
      assert.equal(reply.outcome, "ok");
      assert.equal(reply.message?.lifetime, 900);
      assert.notDeepEqual(ticketIn(reply), it.ticket);

      client.sendOver(0x4001, "from the new address");
      assert.deepEqual(
        it.peer.received().map(({ from, text }) => [from, text]),
        [[formatAddress(it.relayed), "from the new address"]],
      );
      it.peer.send(it.relayed, "over the channel");
      assert.deepEqual(client.received(), [{ channel: 0x4001, text: "over the channel" }]);
      it.here.peer("198.51.100.1:10").send(it.relayed, "by indication");
      assert.deepEqual(client.received(), [{ peer: "198.51.100.1:10", text: "by indication" }]);
      it.here.advance({ seconds: 201 });
      it.peer.send(it.relayed, "no permission any more");
      assert.deepEqual(client.received(), []);

      assert.equal(client.refresh({ lifetime: 0 }).outcome, "ok");
      it.here.advance({ seconds: 700 });
      for (const world of [it.here, it.there]) world.assertNothingIsLeft();
    });

    test(`RFC 8016 §3.2.2: until it speaks from there, the old address is served (${where})`, () => {
      const it = scene();
      const client = pick(it).client({ username: it.username });
      assert.equal(bring(client, it.ticket).outcome, "ok");
      it.peer.send(it.relayed, "still here");
      assert.deepEqual(it.old.received(), [{ channel: 0x4001, text: "still here" }]);
      it.old.sendOver(0x4001, "I too");
      assert.equal(it.peer.received().length, 1);
      assert.equal(it.old.refresh().outcome, "ok");

      client.sendTo(PEER, "here I am");
      assert.equal(it.peer.received()[0]?.text, "here I am");
      it.peer.send(it.relayed, "welcome");
      assert.deepEqual(client.received(), [{ channel: 0x4001, text: "welcome" }]);
      assert.deepEqual(it.old.received(), []);
      it.old.sendOver(0x4001, "nobody");
      it.old.sendTo(PEER, "nobody");
      assert.equal(it.old.refresh().outcome, 437);
      assert.deepEqual(it.peer.received(), []);
    });

    test(`RFC 8016 §3.2.2: a retransmission is answered again, before and after the move (${where})`, () => {
      const it = scene();
      const client = pick(it).client({ username: it.username });
      assert.equal(bring(client, it.ticket).outcome, "ok");
      const bytes = client.lastRequest?.bytes ?? new Uint8Array(0);
      assert.ok(client.exchange(bytes)[0]?.mobilityTicket);
      client.sendOver(0x4001, "used");
      assert.ok(client.exchange(bytes)[0]?.mobilityTicket);
      assert.equal(it.here.engine.allocations + it.there.engine.allocations, 1);
    });

    test(`RFC 8016 §3.2.2: the old ticket is 400 once the client has used the new one (${where})`, () => {
      const it = scene();
      const client = pick(it).client({ username: it.username });
      const next = ticketIn(bring(client, it.ticket));
      const third = it.there.client({ username: it.username });
      assert.equal(bring(third, it.ticket).outcome, "ok", "its answer may have been lost");
      const newer = ticketIn(bring(client, ticketIn(bring(third, next))));
      assert.equal(bring(it.here.client({ username: it.username }), it.ticket).outcome, 400);
      client.sendOver(0x4001, "used");
      assert.equal(it.peer.received().length, 1);
      assert.equal(bring(third, next).outcome, 400);
      assert.equal(bring(third, newer).outcome, "ok");
    });

    test(`RFC 8016 §3.2.2: a ticket from the allocation's own five-tuple is 400, and it lives on (${where})`, () => {
      const it = scene();
      assert.equal(bring(it.old, it.ticket).outcome, 400);
      assert.equal(it.old.refresh().outcome, "ok");
      const client = pick(it).client({ username: it.username });
      const next = ticketIn(bring(client, it.ticket));
      client.sendOver(0x4001, "used");
      for (const ticket of [it.ticket, next]) assert.equal(bring(client, ticket).outcome, 400);
      client.sendOver(0x4001, "still here");
      assert.equal(it.peer.received().length, 2);
    });

    test(`RFC 8016 §3.2.2: a move back and forth loses nothing (${where})`, () => {
      const it = scene({ quota: { perCredential: 1, perProject: 1 } });
      let [from, to] = [it.old, pick(it).client({ username: it.username, address: "192.0.2.9:1" })];
      let { ticket } = it;
      for (let round = 0; round < 10; round++) {
        ticket = ticketIn(bring(to, ticket));
        to.sendOver(0x4001, `round ${round}`);
        assert.equal(it.peer.received().length, 1);
        it.peer.send(it.relayed, "back");
        assert.equal(to.received().length, 1);
        [from, to] = [to, from];
      }
      const [ended] = [from.refresh({ lifetime: 0 })];
      assert.equal(ended.outcome, "ok");
      const totals = [it.here, it.there].flatMap((world) => world.eventsOf("allocationEnded").map(({ traffic }) => traffic));
      assert.deepEqual(totals, [{ octetsToPeer: 70, octetsToClient: 40, packetsToPeer: 10, packetsToClient: 10, dropped: 0 }]);
      for (const world of [it.here, it.there]) world.assertNothingIsLeft();
    });

    test(`RFC 8016 §3.2.2: LIFETIME 0 with a ticket ends the allocation (${where})`, () => {
      const it = scene();
      const client = pick(it).client({ username: it.username });
      const reply = bring(client, it.ticket, (b) => b.add(ATTRIBUTE.lifetime, 0));
      assert.equal(reply.outcome, "ok");
      assert.equal(reply.message?.mobilityTicket, undefined);
      for (const world of [it.here, it.there]) world.assertNothingIsLeft();
    });
  });
}

describe("RFC 8016 §3.2.2: a ticket that does not help", () => {
  test("RFC 8016 §3.2.2: a forged, cut or empty ticket is 400", () => {
    const it = scene();
    const client = it.there.client({ username: it.username });
    const forged = it.ticket.slice();
    forged[20] = (forged[20] ?? 0) ^ 1;
    for (const bad of [forged, it.ticket.subarray(1), new Uint8Array(0)]) assert.equal(bring(client, bad).outcome, 400);
    assert.equal(bring(it.old, forged).outcome, 400);
  });

  test("RFC 8016 §3.2.2: a ticket of another username is 441", () => {
    const it = scene();
    const thief = it.there.client({ username: it.here.username(1000, "project_other") });
    assert.equal(bring(thief, it.ticket).outcome, 441);
  });

  test("RFC 8016 §3.2.2: the ticket of an allocation that has ended is 437", () => {
    const it = scene();
    it.old.refresh({ lifetime: 0 });
    assert.equal(bring(it.there.client({ username: it.username }), it.ticket).outcome, 437);
  });

  test("RFC 8016 §3.2.2: a ticket from a five-tuple that has another allocation is 437", () => {
    const it = scene();
    const client = it.there.client({ username: it.username }).allocate();
    assert.equal(bring(client, it.ticket).outcome, 437);
  });

  test("RFC 8016 §3.2.2: a ticket where mobility is off is 405", () => {
    const it = scene();
    it.there.configure({ mobility: false });
    assert.equal(bring(it.there.client({ username: it.username }), it.ticket).outcome, 405);
  });

  test("RFC 8016 §3.2.2: a ticket needs its credentials: without integrity it is 401", () => {
    const it = scene();
    assert.equal(bring(it.there.client({ username: it.username }), it.ticket, () => {}, { integrity: "none" }).outcome, 401);
  });
});
