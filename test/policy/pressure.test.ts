import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Sheddable, TurnPressure } from "../../src/policy/pressure.ts";

const ALL: readonly Sheddable[] = ["binding", "challenge", "allocation"];

interface Turns {
  readonly fromMs: number;
  readonly forMs: number;
  readonly datagrams: number;
  readonly turnMs: number;
}

/** Turns one after another for so many milliseconds; what is given up after each. */
function run(pressure: TurnPressure, { fromMs, forMs, datagrams, turnMs }: Turns): string[] {
  const seen: string[] = [];
  for (let now = fromMs; now < fromMs + forMs; now += turnMs) {
    pressure.turnBegins(now);
    pressure.turnEnds(datagrams, () => now + turnMs);
    seen.push(ALL.filter((what) => pressure.sheds(what)).join());
  }
  return seen;
}

describe("the pressure on a thread", () => {
  test("is none while turns are small, however many there are", () => {
    const pressure = new TurnPressure();
    assert.deepEqual(new Set(run(pressure, { fromMs: 0, forMs: 5000, datagrams: 20, turnMs: 0.2 })), new Set([""]));
  });

  test("is as good as none where datagrams are let gather, so that every other turn is full", () => {
    const pressure = new TurnPressure();
    for (let now = 0; now < 5000; now += 0.1) {
      pressure.turnBegins(now);
      pressure.turnEnds(Math.round(10 * now) % 2 === 0 ? 100 : 60, () => now);
      assert.ok(!pressure.sheds("binding"));
    }
  });

  test("gives up Binding answers first, then 401s, then new allocations, before a listener's buffer is full", () => {
    const seen = run(new TurnPressure(), { fromMs: 0, forMs: 500, datagrams: 64, turnMs: 0.5 });
    const order = seen.filter((what, i) => what !== seen[i - 1]);
    assert.deepEqual(order, ["", "binding", "binding,challenge", "binding,challenge,allocation"]);
    assert.ok(seen.indexOf("binding,challenge") < 10_000 / 64, "10,000 datagrams");
  });

  for (const [machine, turnMs] of [
    ["fast", 2],
    ["slow", 200],
  ] as const) {
    test(`is not there when a crowd of a thousand asks all at once on a ${machine} machine`, () => {
      const turns = Math.ceil(1000 / 64);
      const seen = run(new TurnPressure(), { fromMs: 0, forMs: turns * turnMs, datagrams: 64, turnMs });
      assert.deepEqual(new Set(seen), new Set([""]));
    });
  }

  test("is forgotten as soon as there is less to do, and while there is nothing", () => {
    const busy = { datagrams: 64, turnMs: 1 };
    const pressure = new TurnPressure();
    run(pressure, { fromMs: 0, forMs: 500, ...busy });
    assert.ok(pressure.sheds("allocation"));
    run(pressure, { fromMs: 500, forMs: 1000, datagrams: 3, turnMs: 0.1 });
    assert.ok(!pressure.sheds("binding"));

    run(pressure, { fromMs: 1500, forMs: 500, ...busy });
    assert.ok(pressure.sheds("allocation"));
    pressure.turnBegins(2600);
    assert.ok(!pressure.sheds("binding"));
  });

  test("settles between the limits where what is given up is what was too much", () => {
    const pressure = new TurnPressure();
    let served = 0;
    for (let now = 0; now < 5000; ) {
      pressure.turnBegins(now);
      for (let i = 0; i < 64; i++) {
        const isShed = pressure.sheds("challenge");
        served += isShed ? 0 : 1;
        now += isShed ? 0.002 : 0.02;
      }
      pressure.turnEnds(64, () => now);
      assert.ok(!pressure.sheds("allocation"), `after ${now} ms`);
    }
    assert.ok(served > 10_000);
  });
});
