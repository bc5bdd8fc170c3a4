import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type IpAddress, ipFrom, parseIp } from "../../src/net/ip.ts";
import { SharedRateLimit, SharedReplyBudget } from "../../src/policy/rate.ts";
import { seededRandom } from "./support/seeded-random.ts";

const key = Uint8Array.from({ length: 32 }, (_, i) => i * 3);
const at = (monotonicMs: number): { monotonicMs: number; unixMs: number } => ({ monotonicMs, unixMs: 0 });

describe("SharedReplyBudget", () => {
  test("gives five seconds' worth at once, then the rate", () => {
    const budget = budgetOf(400);
    const source = parseIp("198.51.100.7");
    assert.equal(taken(budget, source, 0), 2000);
    assert.equal(taken(budget, source, 1000), 400);
    assert.equal(taken(budget, source, 1001), 0);
    assert.equal(taken(budget, source, 60_000), 2000);
  });

  const pairs = [
    { name: "two IPv4 addresses", a: "198.51.100.7", b: "198.51.100.8", shared: false },
    { name: "two addresses of an IPv6 /64", a: "2001:db8:0:1::1", b: "2001:db8:0:1:ffff::2", shared: true },
    { name: "two IPv6 /64", a: "2001:db8:0:1::1", b: "2001:db8:0:2::1", shared: false },
    { name: "an IPv4 address and the IPv6 address with the same octets", a: "198.51.100.7", b: "c633:6407::", shared: false },
  ];
  for (const { name, a, b, shared } of pairs) {
    test(`${name} have ${shared ? "one budget" : "a budget each"}`, () => {
      const budget = budgetOf(10);
      assert.equal(taken(budget, parseIp(a), 0), 50);
      assert.equal(taken(budget, parseIp(b), 0), shared ? 0 : 50);
    });
  }

  const prefixes = [
    { name: "an IPv4 /24", source: (i: number): string => `198.51.100.${i}`, outside: "198.51.101.1" },
    { name: "an IPv6 /48", source: (i: number): string => `2001:db8:1:${i.toString(16)}::1`, outside: "2001:db8:2::1" },
  ];
  for (const { name, source, outside } of prefixes) {
    test(`${name} has ten times as much`, () => {
      const budget = budgetOf(10);
      let sum = 0;
      for (let i = 0; i < 200; i++) sum += taken(budget, parseIp(source(i)), 0);
      assert.equal(sum, 500);
      assert.equal(taken(budget, parseIp(outside), 0), 50);
    });
  }

  test("0 is no limit, and a limit may change", () => {
    const budget = budgetOf(0);
    const source = parseIp("198.51.100.7");
    for (let i = 0; i < 10_000; i++) assert.ok(budget.allows(source, 0));
    budget.perSecond = 1;
    assert.equal(taken(budget, source, 0), 5);
  });

  test("is one on all threads that have its memory", () => {
    const memory = SharedReplyBudget.memory();
    const [a, b] = [new SharedReplyBudget(memory, 10, key), new SharedReplyBudget(memory, 10, key)];
    assert.equal(taken(a, parseIp("198.51.100.7"), 0), 50);
    assert.equal(b.allows(parseIp("198.51.100.7"), 0), false);
  });

  /**
   * Goal: 2^19 made-up sources in ten seconds, eight for each bucket, neither silence honest ones nor free one that is being
   * reflected at. Method: honest sources ask once a second each in the midst of it, and the victim's replies are counted.
   */
  test("a flood of made-up sources silences no honest one, and gives a victim no more", () => {
    const budget = budgetOf(400);
    const random = seededRandom(1);
    const victim = parseIp("192.0.2.99");
    let honestRefused = 0;
    let toVictim = 0;
    for (let packet = 0; packet < 2 ** 19; packet++) {
      const nowMs = (packet / 2 ** 19) * 10_000;
      budget.allows(ipFrom(random.bytes(4)), nowMs);
      if (packet % 4 === 0 && budget.allows(victim, nowMs)) toVictim++;
      if (packet % 512 === 0 && !budget.allows(ipFrom(Uint8Array.of(203, 0, 113, (packet / 512) % 100)), nowMs)) honestRefused++;
    }
    assert.equal(honestRefused, 0);
    assert.ok(toVictim <= 400 * 15 + 400, `${toVictim} replies in ten seconds and a burst of five`);
  });
});

describe("SharedRateLimit", () => {
  test("gives a minute's worth at once, then says how long to wait", () => {
    const limit = new SharedRateLimit(SharedRateLimit.memory(), 3, key);
    assert.deepEqual(
      [1, 2, 3].map(() => limit.take("key", at(500))),
      [0, 0, 0],
    );
    assert.equal(limit.take("key", at(500)), 20);
    assert.equal(limit.take("key", at(10_500)), 10);
    assert.equal(limit.take("key", at(20_500)), 0);
    assert.equal(limit.take("key", at(20_500)), 20);
    assert.equal(limit.take("another", at(20_500)), 0);
  });

  test("a refusal costs nothing, and waits at least a second", () => {
    const limit = new SharedRateLimit(SharedRateLimit.memory(), 6000, key);
    for (let i = 0; i < 6000; i++) assert.equal(limit.take("key", at(0)), 0);
    for (let i = 0; i < 100; i++) assert.equal(limit.take("key", at(5)), 1);
    assert.equal(limit.take("key", at(10)), 0);
  });

  test("gives exactly as many as it says, whatever the rounding", () => {
    for (const perMinute of [1, 7, 60, 333, 999, 7001]) {
      const limit = new SharedRateLimit(SharedRateLimit.memory(), perMinute, key);
      let count = 0;
      while (limit.take("key", at(123.456)) === 0) count++;
      assert.equal(count, perMinute);
    }
  });

  test("0 is no limit", () => {
    const limit = new SharedRateLimit(SharedRateLimit.memory(), 0, key);
    for (let i = 0; i < 10_000; i++) assert.equal(limit.take("key", at(0)), 0);
  });

  test("10,000 keys have a limit each, but for few", () => {
    const limit = new SharedRateLimit(SharedRateLimit.memory(), 10, key);
    let refused = 0;
    for (let i = 0; i < 10_000; i++) for (let use = 0; use < 2; use++) if (limit.take(`key ${i}`, at(0)) > 0) refused++;
    assert.equal(refused, 0);
    assert.equal(new Array(20).fill(0).filter(() => limit.take("key 5", at(0)) === 0).length <= 10, true);
  });
});

function budgetOf(perSecond: number): SharedReplyBudget {
  return new SharedReplyBudget(SharedReplyBudget.memory(), perSecond, key);
}

/** How many replies a source gets at one moment. */
function taken(budget: SharedReplyBudget, source: IpAddress, nowMs: number): number {
  let count = 0;
  while (count < 10_000 && budget.allows(source, nowMs)) count++;
  return count;
}
