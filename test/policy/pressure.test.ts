import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Sheddable, TurnPressure } from "../../src/policy/pressure.ts";

const ALL: readonly Sheddable[] = ["binding", "challenge", "allocation"];

/** Turns one after another for so many milliseconds, each of some length; what is given up after each. */
function run(
  pressure: TurnPressure,
  {
    fromMs,
    forMs,
    datagrams,
    turnMs,
    idleMs = 0,
  }: { fromMs: number; forMs: number; datagrams: number; turnMs: number; idleMs?: number },
): string[] {
  const seen: string[] = [];
  for (let now = fromMs; now < fromMs + forMs; now += turnMs + idleMs) {
    pressure.turnBegins(now);
    pressure.turnEnds(datagrams, now + turnMs);
    seen.push(ALL.filter((what) => pressure.sheds(what)).join());
  }
  return seen;
}

describe("the pressure on a thread", () => {
  test("is none while turns are small, however many there are", () => {
    const pressure = new TurnPressure();
    assert.deepEqual(new Set(run(pressure, { fromMs: 0, forMs: 5000, datagrams: 20, turnMs: 0.2 })), new Set([""]));
  });

  test("gives up Binding answers first, then 401s, then new allocations", () => {
    const seen = run(new TurnPressure(), { fromMs: 0, forMs: 5000, datagrams: 64, turnMs: 0.5 });
    const order = seen.filter((what, i) => what !== seen[i - 1]);
    assert.deepEqual(order, ["", "binding", "binding,challenge", "binding,challenge,allocation"]);
  });

  test("is not yet there when a crowd of 500 arrives, each worth 600 µs on a busy machine", () => {
    const pressure = new TurnPressure();
    const seen = run(pressure, { fromMs: 0, forMs: 300, datagrams: 64, turnMs: 38 });
    assert.ok(!seen.some((what) => what.includes("challenge")), seen.join(" | "));
  });

  test("is forgotten as soon as there is less to do, and while there is nothing", () => {
    const busy = { datagrams: 100, turnMs: 1 };
    const pressure = new TurnPressure();
    run(pressure, { fromMs: 0, forMs: 5000, ...busy });
    assert.ok(pressure.sheds("allocation"));
    run(pressure, { fromMs: 5000, forMs: 1200, datagrams: 3, turnMs: 0.1 });
    assert.ok(!pressure.sheds("challenge"));

    run(pressure, { fromMs: 6200, forMs: 5000, ...busy });
    assert.ok(pressure.sheds("allocation"));
    pressure.turnBegins(12_300);
    assert.ok(!pressure.sheds("binding"));
  });

  test("settles between the limits where what is given up is what was too much", () => {
    const pressure = new TurnPressure();
    let full = 0;
    for (let now = 0, i = 0; now < 10_000; i++) {
      const isFull = !pressure.sheds("challenge");
      full += isFull ? 1 : 0;
      pressure.turnBegins(now);
      now += isFull ? 1 : 0.3;
      pressure.turnEnds(isFull ? 64 : 10, now);
      assert.ok(!pressure.sheds("allocation"), `after ${i} turns`);
    }
    assert.ok(full > 100);
  });
});
