import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SharedTraffic, TrafficReader } from "../../src/forward/traffic.ts";

const nothing = { octetsToPeer: 0, octetsToClient: 0, packetsToPeer: 0, packetsToClient: 0, dropped: 0 };
const unlimited = { bytesPerSecond: 0 };

describe("SharedTraffic", () => {
  test("counts octets and packets of each direction", () => {
    const traffic = new SharedTraffic(SharedTraffic.memory(4), { first: 0, count: 4 }, unlimited);
    const slot = opened(traffic);
    assert.ok(traffic.chargeToPeer(slot, 100, 0));
    assert.ok(traffic.chargeToPeer(slot, 50, 1));
    assert.ok(traffic.chargeToClient(slot, 7, 2));
    assert.deepEqual(traffic.totals(slot), {
      ...nothing,
      octetsToPeer: 150,
      packetsToPeer: 2,
      octetsToClient: 7,
      packetsToClient: 1,
    });
  });

  test("gives each thread its own slots, and none beyond", () => {
    const memory = SharedTraffic.memory(4);
    const [a, b] = [0, 2].map((first) => new SharedTraffic(memory, { first, count: 2 }, unlimited));
    assert.deepEqual([a?.open(), a?.open(), a?.open()], [0, 1, undefined]);
    assert.deepEqual([b?.open(), b?.open(), b?.open()], [2, 3, undefined]);
  });

  test("keeps the totals of an ended slot until the reader has settled it", () => {
    const memory = SharedTraffic.memory(1);
    const traffic = new SharedTraffic(memory, { first: 0, count: 1 }, unlimited);
    const reader = new TrafficReader(memory);
    assert.equal(reader.slots, 1);
    assert.equal(reader.state(0), "free");
    const slot = opened(traffic);
    assert.equal(reader.state(slot), "live");
    assert.equal(reader.settle(slot), false, "a live slot is not settled");
    traffic.chargeToPeer(slot, 9, 0);
    traffic.close(slot);

    assert.equal(reader.state(slot), "ended");
    assert.equal(traffic.open(), undefined);
    assert.equal(reader.totals(slot).octetsToPeer, 9);
    assert.ok(reader.settle(slot));
    assert.equal(reader.settle(slot), false, "once is enough");
    assert.equal(reader.state(slot), "free");

    const generation = reader.generation(slot);
    assert.equal(traffic.open(), slot);
    assert.deepEqual(traffic.totals(slot), nothing);
    assert.equal(reader.generation(slot), generation + 1);
  });

  test("a settled slot is found behind many that are not", () => {
    const memory = SharedTraffic.memory(100);
    const traffic = new SharedTraffic(memory, { first: 0, count: 100 }, unlimited);
    for (let slot = 0; slot < 100; slot++) opened(traffic);
    for (let slot = 0; slot < 100; slot++) traffic.close(slot);
    new TrafficReader(memory).settle(70);
    const found = Array.from({ length: 10 }, () => traffic.open()).filter((slot) => slot !== undefined);
    assert.deepEqual(found, [70]);
  });

  test("a slot that settles itself is free at once, and zero again", () => {
    const traffic = new SharedTraffic(SharedTraffic.memory(1), { first: 0, count: 1 }, { ...unlimited, selfSettling: true });
    for (let use = 0; use < 5; use++) {
      const slot = opened(traffic);
      assert.deepEqual(traffic.totals(slot), nothing);
      traffic.chargeToClient(slot, 1, 0);
      traffic.close(slot);
    }
  });

  test("closing twice breaks an invariant", () => {
    const traffic = new SharedTraffic(SharedTraffic.memory(1), { first: 0, count: 1 }, unlimited);
    const slot = opened(traffic);
    traffic.close(slot);
    assert.throws(() => traffic.close(slot), /invariant/);
  });

  test("drops and counts what is beyond the bandwidth, in each direction for itself", () => {
    const traffic = new SharedTraffic(SharedTraffic.memory(1), { first: 0, count: 1 }, { bytesPerSecond: 100_000 });
    const slot = opened(traffic);
    let passed = 0;
    for (let ms = 0; ms < 10_000; ms++) if (traffic.chargeToPeer(slot, 1000, 5000 + ms)) passed += 1000;
    assert.ok(Math.abs(passed - 1_000_000) <= 5000, `${passed} octets in ten seconds`);
    assert.equal(traffic.totals(slot).dropped, 10_000 - passed / 1000);
    assert.ok(traffic.chargeToClient(slot, 1000, 15_000));
  });

  test("carries within 5 % of the limit in any second, the first one too, whatever is offered", () => {
    for (const [bytesPerSecond, octets, everyMs] of [
      [100_000, 200, 1],
      [100_000, 1200, 0.5],
      [2_500_000, 1200, 0.1],
      [12_500_000, 65_000, 1],
    ] as const) {
      const traffic = new SharedTraffic(SharedTraffic.memory(1), { first: 0, count: 1 }, { bytesPerSecond });
      const slot = opened(traffic);
      const passed: number[] = [];
      for (let ms = 0; ms < 3000; ms += everyMs) if (traffic.chargeToPeer(slot, octets, 7000 + ms)) passed.push(ms);
      for (let begin = 0; begin <= 2000; begin += 50) {
        const within = octets * passed.filter((ms) => ms >= begin && ms < begin + 1000).length;
        const share = within / bytesPerSecond;
        assert.ok(share > 0.95 && share < 1.05, `${share} of ${bytesPerSecond} with ${octets}, from ${begin} ms`);
      }
    }
  });

  test("a low limit still lets the longest datagram pass", () => {
    const traffic = new SharedTraffic(SharedTraffic.memory(1), { first: 0, count: 1 }, { bytesPerSecond: 1000 });
    const slot = opened(traffic);
    assert.ok(traffic.chargeToPeer(slot, 65_507, 0));
    assert.equal(traffic.chargeToPeer(slot, 65_507, 1000), false);
  });

  test("a changed limit is for slots opened after it", () => {
    const traffic = new SharedTraffic(SharedTraffic.memory(2), { first: 0, count: 2 }, unlimited);
    const before = opened(traffic);
    traffic.bytesPerSecond = 1;
    const after = opened(traffic);
    assert.ok(traffic.chargeToPeer(before, 65_000, 0) && traffic.chargeToPeer(before, 65_000, 0));
    assert.ok(traffic.chargeToPeer(after, 65_000, 0) && !traffic.chargeToPeer(after, 65_000, 0));
  });
});

function opened(traffic: SharedTraffic): number {
  const slot = traffic.open();
  assert.ok(slot !== undefined);
  return slot;
}
