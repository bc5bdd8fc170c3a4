import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { parseIp } from "../../src/net/ip.ts";
import { PortTable, type PortTableShape } from "../../src/policy/ports.ts";
import { type PortRaceResult, runRace } from "./support/races.ts";
import { seededRandom } from "./support/seeded-random.ts";

const any = { even: false, pair: false };
const even = { even: true, pair: false };
const pair = { even: true, pair: true };
const minutes = (count: number): number => count * 60_000;

describe("PortTable", () => {
  test("hands out each port of the range once", () => {
    const table = tableOf({ firstPort: 50_001, lastPort: 50_064 });
    const ports = Array.from({ length: 64 }, () => table.claim(0, any, 0) ?? 0);
    assert.deepEqual([...ports].sort(), range(50_001, 50_064));
    assert.notDeepEqual(ports, range(50_001, 50_064), "in an order of chance");
    assert.equal(table.claim(0, any, 0), undefined);
    assert.equal(table.live, 64);
  });

  test("keeps addresses apart", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_000, addresses: ["192.0.2.1", "2001:db8::1", "192.0.2.2"] });
    assert.deepEqual([table.addressesOf(4), table.addressesOf(6)], [[0, 2], [1]]);
    assert.deepEqual(
      [0, 1, 2].map((address) => table.claim(address, any, 0)),
      [50_000, 50_000, 50_000],
    );
    assert.equal(table.claim(1, any, 0), undefined);
  });

  test("finds every even port, and every even pair, of a range that begins and ends anywhere", () => {
    for (const firstPort of [50_000, 50_001]) {
      for (const lastPort of [50_008, 50_009]) {
        const evens = range(firstPort, lastPort).filter((port) => port % 2 === 0);
        const table = tableOf({ firstPort, lastPort });
        assert.deepEqual(
          all(() => table.claim(0, even, 0)),
          evens,
        );
        const pairs = tableOf({ firstPort, lastPort });
        assert.deepEqual(
          all(() => pairs.claim(0, pair, 0)),
          evens.filter((port) => port < lastPort),
        );
        assert.equal(pairs.live, 2 * evens.filter((port) => port < lastPort).length);
      }
    }
  });

  test("a pair needs both ports", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_001 });
    assert.equal(table.claim(0, even, 0), 50_000);
    table.claim(0, any, 0);
    table.release(0, 50_000, 0);
    assert.equal(table.claim(0, pair, 0), undefined);
    assert.equal(table.live, 1);
    assert.equal(table.claim(0, even, 0), 50_000, "and leaves what it did not get as it was");
  });

  test("where none has rested, those that were free longest come first, in an order of chance", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_999 });
    const first = all(() => table.claim(0, any, 0));
    assert.equal(first.length, 1000);
    for (let port = 50_000; port < 51_000; port++) table.release(0, port, port < 50_600 ? 2000 : 1000);
    const again = Array.from({ length: 1000 }, () => table.claim(0, any, 3000) ?? 0);
    assert.deepEqual(
      again.slice(0, 400).sort((a, b) => a - b),
      range(50_600, 50_999),
    );
    assert.notDeepEqual(again.slice(0, 400), range(50_600, 50_999));
    assert.equal(new Set(again).size, 1000);
  });

  test("ports that another program holds come last, however often the others are used", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_099 });
    const held = new Set(Array.from({ length: 40 }, () => table.claim(0, any, 0) ?? 0));
    for (const port of held) table.refuse(0, port, 0);
    for (let round = 0; round < 5; round++) {
      const nowMs = 1000 * (100 + 10 * round);
      const claimed = Array.from({ length: 60 }, () => table.claim(0, any, nowMs) ?? 0);
      assert.ok(!claimed.some((port) => held.has(port)));
      for (const port of claimed) table.release(0, port, nowMs);
    }
    assert.equal(all(() => table.claim(0, any, 1000 * 150)).length, 100, "and when nothing else is left, they are tried");
  });

  test("a port rests for two minutes while there are others", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_099 });
    all(() => table.claim(0, any, 0));
    table.release(0, 50_042, minutes(10));
    for (let port = 50_050; port < 50_070; port++) table.release(0, port, minutes(5));
    const claimed = all(() => (table.live < 99 ? table.claim(0, any, minutes(11)) : undefined));
    assert.deepEqual(
      claimed,
      range(50_050, 50_068 + 1).filter((port) => claimed.includes(port)),
    );
    assert.ok(!claimed.includes(50_042));
  });

  test("once none had rested, chance decides again as soon as one has", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_999 });
    all(() => table.claim(0, any, 0));
    for (let port = 50_000; port < 51_000; port++) table.release(0, port, 1000 * (port - 50_000));
    const [longest = 0] = [table.claim(0, any, 60_000)];
    assert.equal(longest, 50_000, "none has rested: the one that has been free longest");
    const rested = Array.from({ length: 50 }, () => table.claim(0, any, 1000 * 1060) ?? 0);
    assert.ok(
      rested.every((port) => port < 50_941),
      "they rested for two minutes",
    );
    assert.notDeepEqual(rested, [...rested].sort(), "and none was looked for from one end");
  });

  test("where none has rested, the one that has been free longest is taken", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_009 });
    all(() => table.claim(0, any, 0));
    const order = [50_003, 50_009, 50_000, 50_005];
    for (const [i, port] of order.entries()) table.release(0, port, 1000 * (i + 1));
    assert.deepEqual(
      order.map(() => table.claim(0, any, 10_000)),
      order,
    );
  });

  test("in the first two minutes of a process, ports never used count as rested", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_001 });
    const first = table.claim(0, any, 0) ?? 0;
    table.release(0, first, 500);
    assert.notEqual(table.claim(0, any, 1000), first);
  });

  test("a port that the system refused is left alone for a minute, even if there is no other", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_000 });
    assert.equal(table.claim(0, any, 0), 50_000);
    table.refuse(0, 50_000, 0);
    assert.equal(table.live, 0);
    assert.equal(table.claim(0, any, 59_000), undefined);
    assert.equal(table.claim(0, any, 61_000), 50_000);
  });

  test("giving back what is not taken breaks an invariant", () => {
    const table = tableOf({ firstPort: 50_000, lastPort: 50_001 });
    assert.throws(() => table.release(0, 50_000, 0), /invariant/);
    assert.throws(() => table.release(0, 60_000, 0), /invariant/);
  });

  test("a port is live while it is taken, under the address that is shown", () => {
    const table = natted();
    const port = table.claim(0, any, 0) ?? 0;
    assert.ok(table.hasAddress(parseIp("203.0.113.1")));
    assert.ok(!table.hasAddress(parseIp("10.0.0.1")));
    assert.ok(table.isLive(parseAddress(`203.0.113.1:${port}`)));
    for (const other of [`10.0.0.1:${port}`, `203.0.113.1:${port ^ 1}`, "203.0.113.1:1", `[2001:db8::1]:${port}`]) {
      assert.ok(!table.isLive(parseAddress(other)), other);
    }
    table.release(0, port, 0);
    assert.ok(!table.isLive(parseAddress(`203.0.113.1:${port}`)));
  });

  test("translates live relays of ours between what is shown and what is on the wire, and nothing else", () => {
    const table = natted();
    const port = table.claim(0, any, 0) ?? 0;
    const pairs = [
      [`203.0.113.1:${port}`, `10.0.0.1:${port}`],
      [`203.0.113.1:${port ^ 1}`, `203.0.113.1:${port ^ 1}`],
      ["198.51.100.1:50000", "198.51.100.1:50000"],
    ];
    for (const [shown = "", wire = ""] of pairs) {
      assert.equal(formatAddress(table.toWire(parseAddress(shown))), wire);
      assert.equal(formatAddress(table.toShown(parseAddress(wire))), shown);
    }
    assert.equal(formatAddress(table.toShown(parseAddress(`10.0.0.1:${port ^ 1}`))), `10.0.0.1:${port ^ 1}`);
  });
});

const step = fc.record({
  do: fc.constantFrom("claim" as const, "even" as const, "pair" as const, "release" as const, "refuse" as const),
  which: fc.nat({ max: 100 }),
  seconds: fc.integer({ min: 0, max: 50 }),
});

/** Goal: no order of claiming and giving back loses a port or hands one out twice. Method: a set of what is held. */
test("every port comes back, whatever the order", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), fc.nat(), (steps, seed) => {
      const shape = { firstPort: 50_001, lastPort: 50_008 };
      const table = tableOf(shape, seed);
      const held = new Set<number>();
      let nowMs = 0;
      for (const next of steps) {
        nowMs += 1000 * next.seconds;
        if (next.do === "release" || next.do === "refuse") {
          const port = [...held][next.which % held.size];
          if (port === undefined) continue;
          held.delete(port);
          table[next.do](0, port, nowMs);
        } else {
          const port = table.claim(0, { even: next.do !== "claim", pair: next.do === "pair" }, nowMs);
          if (port === undefined) continue;
          for (const one of next.do === "pair" ? [port, port + 1] : [port]) {
            assert.ok(!held.has(one) && one >= shape.firstPort && one <= shape.lastPort);
            held.add(one);
          }
          if (next.do !== "claim") assert.equal(port % 2, 0);
        }
        assert.equal(table.live, held.size);
      }
      for (const port of held) table.release(0, port, nowMs);
      assert.deepEqual(
        all(() => table.claim(0, any, nowMs + minutes(1) + 1000)),
        range(shape.firstPort, shape.lastPort),
      );
    }),
    { numRuns: 100 },
  );
});

/** Goal: compare-and-swap is enough. Method: four real threads on a range so small that they always collide. */
test("four threads never get the same port", async () => {
  const shape = shapeOf({ firstPort: 50_000, lastPort: 50_031 });
  const memory = PortTable.memory(shape);
  const owners = new Int32Array(new SharedArrayBuffer(4 * 65_536));
  const results = await runRace<PortRaceResult>(4, { race: "ports", memory, shape, owners });

  assert.equal(
    results.reduce((sum, { doubled }) => sum + doubled, 0),
    0,
  );
  assert.ok(results.every(({ claims }) => claims > 100));
  const table = new PortTable(memory, shape, seededRandom(9));
  const held = results.flatMap((result) => result.held);
  assert.equal(table.live, held.length);
  for (const port of held) table.release(0, port, 0);
  assert.equal(table.live, 0);
  assert.equal(all(() => table.claim(0, any, minutes(1000))).length, 32);
});

interface ShapeText {
  firstPort: number;
  lastPort: number;
  addresses?: readonly string[];
}

function shapeOf({ firstPort, lastPort, addresses = ["192.0.2.1"] }: ShapeText): PortTableShape {
  return { firstPort, lastPort, addresses: addresses.map((text) => ({ local: parseIp(text), shown: parseIp(text) })) };
}

function tableOf(text: ShapeText, seed = 1): PortTable {
  const shape = shapeOf(text);
  return new PortTable(PortTable.memory(shape), shape, seededRandom(seed));
}

function natted(): PortTable {
  const addresses = [{ local: parseIp("10.0.0.1"), shown: parseIp("203.0.113.1") }];
  const shape = { addresses, firstPort: 50_000, lastPort: 50_009 };
  return new PortTable(PortTable.memory(shape), shape, seededRandom(1));
}

/** Everything that claims give until there is nothing left, in rising order. */
function all(claim: () => number | undefined): number[] {
  const ports: number[] = [];
  for (let port = claim(); port !== undefined; port = claim()) ports.push(port);
  return ports.sort();
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
