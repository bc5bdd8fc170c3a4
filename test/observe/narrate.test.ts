import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FiveTuple, parseAddress } from "../../src/net/address.ts";
import { Counters } from "../../src/observe/counters.ts";
import { count, narrate } from "../../src/observe/narrate.ts";
import type { AllocationFacts, TurnEvent } from "../../src/turn/event.ts";

const client: FiveTuple = {
  transport: "tls",
  client: parseAddress("198.51.100.7:5000"),
  server: parseAddress("203.0.113.1:443"),
  socket: 1,
  local: 0,
};
const allocation: AllocationFacts = {
  id: 1,
  project: "project_ab12",
  username: "1718200000:project_ab12:user-42",
  label: "user-42",
  client,
  relayed: [parseAddress("203.0.113.1:50000")],
  startedUnixMs: 0,
};
const traffic = { octetsToPeer: 1, octetsToClient: 2, packetsToPeer: 3, packetsToClient: 4, dropped: 5 };

const events: readonly TurnEvent[] = [
  { type: "allocated", allocation },
  { type: "allocationEnded", allocation, durationMs: 1500, traffic, reason: "expired" },
  { type: "permitted", allocation: 1, username: allocation.username, peer: parseAddress("198.51.100.9:1") },
  { type: "channelBound", allocation: 1, username: allocation.username, number: 0x4000 },
  { type: "peerDenied", username: allocation.username, peer: parseAddress("10.0.0.1:1"), rule: "denied by default" },
  { type: "rejected", method: 3, code: 486, username: allocation.username, from: client },
  { type: "rejected", method: 3, code: 401, from: client },
  { type: "ignored", why: "malformed" },
  { type: "overBandwidth" },
  { type: "connectionOver", octetsToPeer: 7, octetsToClient: 9 },
];

describe("narrate", () => {
  test("an allocation's end is one line of info: project, transport, duration, traffic, reason", () => {
    const line = narrate({ type: "allocationEnded", allocation, durationMs: 1500, traffic, reason: "expired" });
    assert.deepEqual(line, {
      level: "info",
      fields: { project: "project_ab12", transport: "tls", seconds: 1.5, ...traffic, reason: "expired" },
      sentence: "Allocation ended",
    });
  });

  test("addresses of clients and peers stand in lines of debug only", () => {
    const told = events.map((event) => narrate(event)).filter((line) => line?.level === "info");
    assert.ok(told.length > 0);
    for (const line of told) assert.doesNotMatch(JSON.stringify(line), /198\.51\.100|10\.0\.0\.1|203\.0\.113/);
  });

  test("no line carries a username: with its password beside it, it is half a credential", () => {
    for (const event of events) assert.doesNotMatch(JSON.stringify(narrate(event) ?? ""), /1718200000/);
  });

  test("what strangers can cause is no line at all", () => {
    assert.equal(narrate({ type: "rejected", method: 3, code: 401, from: client }), undefined);
    assert.equal(narrate({ type: "ignored", why: "budget" }), undefined);
  });
});

describe("count", () => {
  test("every event moves a counter", () => {
    for (const event of events) {
      const memory = Counters.memory();
      count(new Counters(memory), event);
      assert.ok(
        new Float64Array(memory).some((value) => value !== 0),
        event.type,
      );
    }
  });

  test("an allocation that began and ended leaves the gauge at 0", () => {
    const counters = new Counters(Counters.memory());
    for (const event of events.slice(0, 2)) count(counters, event);
    assert.deepEqual([counters.value("allocations", 2), counters.value("allocations_total", 2)], [0, 1]);
  });
});
