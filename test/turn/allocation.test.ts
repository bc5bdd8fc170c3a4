import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { METHOD } from "../../src/stun/header.ts";
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
    const [ended] = world.eventsOf("allocationEnded");
    assert.equal(ended?.reason, "expired");
    assert.equal(ended?.durationMs, 600_000);
    assert.equal(client.isClosed, false);
  });

  test("is granted from 600 to 3600 s, at the Allocate and at each Refresh", () => {
    for (const { asked, granted } of [
      { asked: 0, granted: 600 },
      { asked: 599, granted: 600 },
      { asked: 1234, granted: 1234 },
      { asked: 3601, granted: 3600 },
      { asked: 0xffffffff, granted: 3600 },
    ]) {
      const client = new Simulation().client();
      assert.equal(client.tryAllocate({ lifetime: asked }).message?.lifetime, granted);
      if (asked > 0) assert.equal(client.refresh({ lifetime: asked }).message?.lifetime, granted);
    }
  });

  test("never lives beyond its greatest age, whatever is asked", () => {
    const world = new Simulation({ settings: { maxAllocationAgeSeconds: 4000 } });
    const client = world.client({ username: world.username(100_000) }).allocate({ lifetime: 3600 });
    world.advance({ seconds: 3000 });
    assert.equal(client.refresh({ lifetime: 3600 }).message?.lifetime, 1000);
    world.advance({ seconds: 900 });
    assert.equal(client.refresh().message?.lifetime, 100);
    world.advance({ seconds: 100 });
    world.assertNothingIsLeft();
    assert.equal(client.refresh().outcome, 437);
    client.allocate();
  });

  test("answers a retransmitted Allocate as it did before, with the time that is left", () => {
    const world = new Simulation({ quota: { perCredential: 1 } });
    const client = world.client();
    const transactionId = new Uint8Array(12).fill(9);
    const first = client.tryAllocate({ evenPort: { reserveNext: true } }, { transactionId });
    world.advance({ seconds: 1 });
    const second = client.tryAllocate({ evenPort: { reserveNext: true } }, { transactionId });
    assert.equal(second.outcome, "ok");
    assert.deepEqual(second.message?.xorRelayedAddress, first.message?.xorRelayedAddress);
    assert.deepEqual(second.message?.reservationToken, first.message?.reservationToken);
    assert.equal(second.message?.lifetime, 599);
    assert.equal(world.ports.live, 2);
    assert.equal(world.eventsOf("allocated").length, 1);
    world.handle({ kind: "drain" });
    assert.equal(client.tryAllocate({}, { transactionId }).outcome, "ok");
    const stranger = { transactionId, username: world.username(99) };
    assert.equal(client.tryAllocate({}, stranger).outcome, 437);
  });

  test("answers retransmissions of the other requests with success too", () => {
    const client = new Simulation().client().allocate();
    const transactionId = new Uint8Array(12).fill(9);
    for (const lifetime of [700, 700]) assert.equal(client.refresh({ lifetime }, { transactionId }).message?.lifetime, 700);
    assert.equal(client.channelBind(0x4000, "198.51.100.1:9"), "ok");
    assert.equal(client.channelBind(0x4000, "198.51.100.1:9"), "ok");
  });

  test("can be had again on the same five-tuple once it has ended", () => {
    const world = new Simulation({ quota: { perCredential: 1 } });
    for (const transport of ["udp", "tls"] as const) {
      const client = world.client({ transport, username: world.username(100, "project_a", transport) }).allocate();
      assert.equal(client.channelBind(0x4000, "198.51.100.1:9"), "ok");
      assert.equal(client.refresh({ lifetime: 0 }).message?.lifetime, 0);
      assert.equal(client.isClosed, false);
      client.allocate();
      assert.equal(client.channelBind(0x4000, "198.51.100.2:9"), "ok");
      client.refresh({ lifetime: 0 });
    }
    world.assertNothingIsLeft();
    assert.ok(world.eventsOf("allocationEnded").every(({ reason }) => reason === "closed by client"));
  });

  test("ends with its stream", () => {
    const world = new Simulation();
    const client = world.client({ transport: "tcp" }).allocate({ dual: true });
    client.channelBind(0x4000, "198.51.100.1:9");
    client.disconnect();
    client.disconnect();
    world.assertNothingIsLeft();
    assert.equal(world.eventsOf("allocationEnded")[0]?.reason, "client disconnected");
  });

  test("ends at shutdown, with streams closed and reservations given back", () => {
    const world = new Simulation();
    const clients = (["udp", "tcp", "tls"] as const).map((transport) => world.client({ transport }));
    for (const client of clients) client.allocate({ evenPort: { reserveNext: true } });
    world.handle({ kind: "shutdown" });
    world.assertNothingIsLeft();
    assert.deepEqual(
      clients.map(({ isClosed }) => isClosed),
      [false, true, true],
    );
    assert.equal(world.eventsOf("allocationEnded").length, 3);
    assert.equal(clients[0]?.tryAllocate().outcome, 508);
  });

  test("is described with its facts, peers and traffic", () => {
    const world = new Simulation();
    const username = world.username(100, "project_ab12", "ada");
    const client = world.client({ username }).allocate({ lifetime: 700 });
    client.createPermission("198.51.100.1:0");
    client.sendTo("198.51.100.1:9", "hello");
    const [view, ...others] = world.engine.describe();
    assert.equal(others.length, 0);
    assert.equal(view?.facts.label, "ada");
    assert.equal(view?.facts.project, "project_ab12");
    assert.deepEqual(view?.facts.relayed, client.relayedAddresses);
    assert.equal((view?.expiresMs ?? 0) - world.now.monotonicMs, 700_000);
    assert.equal(view?.peers.length, 1);
    assert.deepEqual([view?.traffic.packetsToPeer, view?.traffic.octetsToPeer], [1, 5]);
    client.refresh({ lifetime: 0 });
    assert.equal(world.eventsOf("allocationEnded")[0]?.traffic.octetsToPeer, 5);
  });

  test("ignores attributes that need not be understood, and the drafts' among them", () => {
    const draft = { name: "draft", type: 0x8032, section: "", codec: ATTRIBUTE.data.codec };
    const client = new Simulation().client();
    const { outcome, message } = client.ask(METHOD.allocate, (b) =>
      b.add(ATTRIBUTE.requestedTransport, 17).add(draft, new Uint8Array(4)),
    );
    assert.equal(outcome, "ok");
    assert.equal(message?.addressErrorCode, undefined);
  });
});
