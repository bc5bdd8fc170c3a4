import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "node:test";
import { allocationsOf, Counters } from "../../src/observe/counters.ts";
import { count } from "../../src/observe/narrate.ts";
import { parseAddress } from "../../src/net/address.ts";
import type { AllocationFacts, TurnEvent } from "../../src/turn/event.ts";

const THREADS = 3;
const client = {
  transport: "udp" as const,
  socket: 0,
  local: 0,
  client: parseAddress("198.51.100.1:9"),
  server: parseAddress("192.0.2.1:3478"),
};
const allocation: AllocationFacts = {
  id: 1,
  project: "project_a",
  username: "1:project_a",
  label: undefined,
  client,
  relayed: [],
  startedUnixMs: 0,
};

/** One number of a thread's, changed. */
interface Write {
  readonly thread: number;
  readonly slot: number;
  readonly amount: number;
}

/** What a thread writes for an event, in its order. */
class Recorded extends Counters {
  readonly writes: { readonly slot: number; readonly amount: number }[] = [];

  override addAt(slot: number, amount: number): void {
    this.writes.push({ slot, amount });
  }
}

function writesOf(thread: number, event: TurnEvent): readonly Write[] {
  const recorded = new Recorded(Counters.memory());
  count(recorded, event);
  return recorded.writes.map((write) => ({ thread, ...write }));
}

/** Counters that go on being written while they are read. */
class Busy extends Counters {
  readonly #goOn: () => void;

  constructor(goOn: () => void) {
    super(Counters.memory());
    this.#goOn = goOn;
  }

  override value(...which: Parameters<Counters["value"]>): number {
    this.#goOn();
    return super.value(...which);
  }
}

describe("allocationsOf", () => {
  test("an allocation that moves while they are counted is never missed", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(THREADS - 1), { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(4), { maxLength: 60 }),
        ([first = 0, ...path], steps) => {
          const writes: Write[] = [];
          for (const [i, to] of path.entries()) {
            writes.push(...writesOf([first, ...path][i] ?? 0, { type: "movedAway", allocation }));
            writes.push(...writesOf(to, { type: "movedHere", allocation }));
          }
          let read = 0;
          const threads: Busy[] = Array.from(
            { length: THREADS },
            () =>
              new Busy(() => {
                const due = writes.splice(0, steps[read++] ?? 0);
                for (const { thread, slot, amount } of due) threads[thread]?.addAt(slot, amount);
              }),
          );
          count(threads[first] ?? assert.fail(), { type: "allocated", allocation });
          for (let look = 0; look < 4; look++) assert.ok(allocationsOf(threads) >= 1, `look ${look}`);
          for (const { thread, slot, amount } of writes.splice(0)) threads[thread]?.addAt(slot, amount);
          assert.equal(allocationsOf(threads), 1, "when all is quiet the number is exact");
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("one that is between two threads counts, and one that has ended does not", () => {
    const threads = [new Counters(Counters.memory()), new Counters(Counters.memory())] as const;
    count(threads[0], { type: "allocated", allocation });
    count(threads[0], { type: "movedAway", allocation });
    assert.equal(allocationsOf(threads), 1);
    count(threads[1], { type: "movedHere", allocation });
    assert.equal(allocationsOf(threads), 1);
    const traffic = { octetsToPeer: 0, octetsToClient: 0, packetsToPeer: 0, packetsToClient: 0, dropped: 0 };
    count(threads[1], { type: "allocationEnded", allocation, durationMs: 1, traffic, reason: "shutdown" });
    assert.equal(allocationsOf(threads), 0);
  });
});
