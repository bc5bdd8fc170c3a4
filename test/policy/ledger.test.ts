import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseIp } from "../../src/net/ip.ts";
import { SharedLedger } from "../../src/policy/ledger.ts";
import { LocalQuota, type Quota, type QuotaClaim, type QuotaLimits } from "../../src/policy/quota.ts";
import { raceClaims, runRace } from "./support/races.ts";

const key = Uint8Array.from({ length: 32 }, (_, i) => i * 5);
const unlimited: QuotaLimits = { perCredential: 0, perLabel: 0, perProject: 0 };

const implementations: readonly { name: string; make: (limits: QuotaLimits) => Quota & { limits: QuotaLimits; size: number } }[] =
  [
    { name: "LocalQuota", make: (limits) => new LocalQuota(limits) },
    { name: "SharedLedger", make: (limits) => new SharedLedger(SharedLedger.memory(1000), limits, key) },
  ];

/** Each limit alone at 2: which of the claims beside two of the first is refused. */
const scopes = [
  { limit: "perCredential" as const, refused: [{}, { label: "other" }], counted: [{ username: "b" }, { client: "192.0.2.2" }] },
  {
    limit: "perLabel" as const,
    refused: [{}, { username: "b" }],
    counted: [{ label: "bob" }, { client: "192.0.2.2" }, { project: "q" }],
  },
  { limit: "perProject" as const, refused: [{}, { username: "b" }, { client: "192.0.2.2" }], counted: [{ project: "q" }] },
];

for (const { name, make } of implementations) {
  describe(name, () => {
    for (const { limit, refused, counted } of scopes) {
      test(`${limit} bounds what shares it, and nothing else`, () => {
        const quota = make({ ...unlimited, [limit]: 2 });
        assert.deepEqual([quota.reserve(claim({})), quota.reserve(claim({}))], ["reserved", "reserved"]);
        for (const other of refused) assert.equal(quota.reserve(claim(other)), "quota");
        for (const other of counted) assert.equal(quota.reserve(claim(other)), "reserved");
        quota.release(claim({}));
        assert.equal(quota.reserve(claim({})), "reserved");
      });
    }

    test("what is refused is counted nowhere", () => {
      const quota = make({ perCredential: 0, perLabel: 1, perProject: 3 });
      assert.equal(quota.reserve(claim({})), "reserved");
      for (let i = 0; i < 5; i++) assert.equal(quota.reserve(claim({})), "quota");
      assert.equal(quota.reserve(claim({ label: "b" })), "reserved");
      assert.equal(quota.reserve(claim({ label: "c" })), "reserved");
      assert.equal(quota.reserve(claim({ label: "d" })), "quota");
    });

    test("claims without a label have no label in common", () => {
      const quota = make({ ...unlimited, perLabel: 1 });
      const nameless = { ...claim({}), label: undefined };
      assert.deepEqual([quota.reserve(nameless), quota.reserve(nameless)], ["reserved", "reserved"]);
    });

    test("a limit set later counts what is live", () => {
      const quota = make(unlimited);
      quota.reserve(claim({}));
      quota.limits = { ...unlimited, perCredential: 1 };
      assert.equal(quota.reserve(claim({})), "quota");
      quota.limits = unlimited;
      assert.equal(quota.reserve(claim({})), "reserved");
      quota.release(claim({}));
      quota.release(claim({}));
      assert.equal(quota.size, 0);
    });

    test("a second claim counts only where it differs, and either of the two may stay", () => {
      for (const stays of ["first", "second"] as const) {
        const quota = make({ perCredential: 1, perLabel: 1, perProject: 1 });
        const [first, second] = [claim({}), claim({ client: "192.0.2.2" })];
        quota.reserve(first);
        assert.equal(quota.reserveSecond(first, second), "reserved", "the project has it already");
        assert.equal(quota.size, 5);
        quota.limits = { ...unlimited, perCredential: 1 };
        assert.deepEqual([quota.reserve(first), quota.reserve(second)], ["quota", "quota"]);
        const [left, kept] = stays === "first" ? [second, first] : [first, second];
        quota.releaseSecond(left, kept);
        assert.deepEqual([quota.reserve(kept), quota.reserve(left)], ["quota", "reserved"]);
        quota.release(left);
        quota.release(kept);
        assert.equal(quota.size, 0);
      }
    });

    test("a second claim that differs in nothing counts nothing, and one over a limit is refused whole", () => {
      const quota = make({ ...unlimited, perLabel: 1 });
      const [first, second] = [claim({}), claim({ client: "192.0.2.2" })];
      quota.reserve(first);
      assert.equal(quota.reserveSecond(first, first), "reserved");
      quota.releaseSecond(first, first);
      quota.reserve(second);
      const before = quota.size;
      assert.equal(quota.reserveSecond(first, second), "quota");
      assert.equal(quota.size, before);
    });

    test("releasing what was not reserved breaks an invariant", () => {
      assert.throws(() => make(unlimited).release(claim({})), /invariant/);
    });
  });
}

describe("SharedLedger", () => {
  test("is one on all threads that have its memory and key", () => {
    const memory = SharedLedger.memory(10);
    const limits = { ...unlimited, perProject: 1 };
    const [a, b] = [new SharedLedger(memory, limits, key), new SharedLedger(memory, limits, key)];
    assert.equal(a.reserve(claim({})), "reserved");
    assert.equal(b.reserve(claim({ username: "b" })), "quota");
    b.release(claim({}));
    assert.equal(a.size, 0);
  });

  test("says when it is full, counts nothing then, and has room again", () => {
    const ledger = new SharedLedger(SharedLedger.memory(1), unlimited, key);
    const reserved: QuotaClaim[] = [];
    let next = claim({ username: "0" });
    while (ledger.reserve(next) === "reserved") {
      reserved.push(next);
      next = claim({ username: `${reserved.length}` });
    }
    const size = ledger.size;
    assert.equal(size, reserved.length + 2, "a counter each, and project and label");
    assert.equal(ledger.reserve(next), "full");
    assert.equal(ledger.size, size);
    for (const one of reserved) ledger.release(one);
    assert.equal(ledger.size, 0);
    assert.equal(ledger.reserve(next), "reserved");
  });

  test("has room for as many counters as it was made for", () => {
    const ledger = new SharedLedger(SharedLedger.memory(30_000), unlimited, key);
    for (let i = 0; i < 29_998; i++) assert.equal(ledger.reserve(claim({ username: `${i}` })), "reserved");
  });
});

const step = fc.record({ reserve: fc.boolean(), username: fc.nat({ max: 200 }).map(String), label: fc.constantFrom("a", "b") });

/** Goal: entries move when gaps close, and none is lost. Method: the map of LocalQuota beside a table that is nearly full. */
test("the ledger counts as a map does", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 600 }), (steps) => {
      const limits = { perCredential: 2, perLabel: 150, perProject: 250 };
      const ledger = new SharedLedger(SharedLedger.memory(1), limits, key);
      const model = new LocalQuota(limits);
      const held: QuotaClaim[] = [];
      for (const next of steps) {
        const one = claim(next);
        if (next.reserve) {
          const answer = model.reserve(one);
          assert.equal(ledger.reserve(one), answer);
          if (answer === "reserved") held.push(one);
        } else {
          const [released] = held.splice(Math.floor(held.length / 2), 1);
          if (released) for (const quota of [ledger, model]) quota.release(released);
        }
        assert.equal(ledger.size, model.size);
      }
    }),
    { numRuns: 30 },
  );
});

/** Goal: no counter off by one. Method: four real threads on the same few counters; what they hold at the end is what is counted. */
test("four threads count exactly", async () => {
  const memory = SharedLedger.memory(100);
  const limits = { perCredential: 5, perLabel: 7, perProject: 20 };
  const held = (await runRace<number[]>(4, { race: "ledger", memory, limits, key })).flat();

  const ledger = new SharedLedger(memory, limits, key);
  const model = new LocalQuota(unlimited);
  for (const i of held) model.reserve(raceClaims[i] ?? claim({}));
  assert.equal(ledger.size, model.size);
  for (const i of held) ledger.release(raceClaims[i] ?? claim({}));
  assert.equal(ledger.size, 0);
});

function claim({ project = "p", username = "a", label = "alice", client = "192.0.2.1" }): QuotaClaim {
  return { project, username, label, client: parseIp(client) };
}
