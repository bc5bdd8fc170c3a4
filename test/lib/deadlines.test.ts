import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Deadlines, NO_DEADLINE, type Timed } from "../../src/lib/deadlines.ts";

/** Something with a name. */
interface Named<Name> extends Timed {
  readonly name: Name;
}

/** Deadlines of names. */
class NamedDeadlines<Name> {
  readonly #deadlines = new Deadlines<Named<Name>>();
  readonly #items = new Map<Name, Named<Name>>();

  get weight(): number {
    return this.#deadlines.weight;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  get next(): number | undefined {
    return this.#deadlines.next;
  }

  set(name: Name, atMs: number): void {
    this.#deadlines.set(this.#item(name), atMs);
  }

  delete(name: Name): void {
    this.#deadlines.delete(this.#item(name));
  }

  of(name: Name): number | undefined {
    return this.#deadlines.of(this.#item(name));
  }

  take(nowMs: number): Name | undefined {
    return this.#deadlines.take(nowMs)?.name;
  }

  #item(name: Name): Named<Name> {
    const item = this.#items.get(name) ?? { name, dueMs: NO_DEADLINE };
    this.#items.set(name, item);
    return item;
  }
}

describe("Deadlines", () => {
  test("gives what is due, the earliest first, once", () => {
    const deadlines = new NamedDeadlines<string>();
    for (const [item, atMs] of [
      ["c", 30],
      ["a", 10],
      ["b", 20],
    ] as const)
      deadlines.set(item, atMs);
    assert.equal(deadlines.next, 10);
    assert.equal(deadlines.take(9), undefined);
    assert.deepEqual([deadlines.take(20), deadlines.take(20), deadlines.take(20)], ["a", "b", undefined]);
    assert.deepEqual([deadlines.next, deadlines.size, deadlines.of("c"), deadlines.of("a")], [30, 1, 30, undefined]);
  });

  test("a deadline moves both ways, and an item is forgotten", () => {
    const deadlines = new NamedDeadlines<string>();
    deadlines.set("a", 10);
    deadlines.set("a", 50);
    assert.equal(deadlines.next, 50);
    deadlines.set("a", 5);
    assert.equal(deadlines.next, 5);
    deadlines.delete("a");
    deadlines.delete("unknown");
    assert.deepEqual([deadlines.next, deadlines.take(100), deadlines.size], [undefined, undefined, 0]);
  });

  test("what is never due has no deadline", () => {
    const deadlines = new NamedDeadlines<string>();
    deadlines.set("a", 10);
    deadlines.set("a", Infinity);
    deadlines.set("b", Infinity);
    assert.deepEqual(
      [deadlines.next, deadlines.size, deadlines.of("a"), deadlines.take(1e12)],
      [undefined, 0, undefined, undefined],
    );
  });

  test("does not grow with an item whose deadline is moved to and fro", () => {
    const deadlines = new NamedDeadlines<string>();
    for (let i = 0; i < 10_000; i++) {
      deadlines.set("a", 3_600_000 + i);
      deadlines.set("a", 600_000 + i);
    }
    assert.ok(deadlines.weight <= 65, `${deadlines.weight} entries`);
    assert.equal(deadlines.next, 609_999);
  });

  test("does not grow with items that are forgotten", () => {
    const deadlines = new NamedDeadlines<number>();
    for (let item = 0; item < 10_000; item++) {
      deadlines.set(item, 1000 + item);
      if (item >= 10) deadlines.delete(item);
    }
    assert.ok(deadlines.weight <= 65, `${deadlines.weight} entries`);
    assert.equal(deadlines.size, 10);
  });
});

const step = fc.record({
  do: fc.constantFrom("set" as const, "set" as const, "delete" as const, "take" as const),
  item: fc.nat({ max: 150 }),
  atMs: fc.nat({ max: 1000 }),
});

/** Goal: it is a map with a least value. Method: the map beside it. */
test("a heap with stale entries is a map with a least value", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
      const deadlines = new NamedDeadlines<number>();
      const model = new Map<number, number>();
      for (const { do: verb, item, atMs } of steps) {
        if (verb === "set") {
          deadlines.set(item, atMs);
          model.set(item, atMs);
        } else if (verb === "delete") {
          deadlines.delete(item);
          model.delete(item);
        } else {
          const taken = deadlines.take(atMs);
          const least = Math.min(...model.values());
          assert.equal(taken === undefined ? undefined : model.get(taken), least <= atMs ? least : undefined);
          if (taken !== undefined) model.delete(taken);
        }
        assert.equal(deadlines.size, model.size);
        assert.equal(deadlines.of(item), model.get(item));
        assert.equal(deadlines.next ?? Infinity, Math.min(...model.values()));
      }
    }),
    { numRuns: 100 },
  );
});
