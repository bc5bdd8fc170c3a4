import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Counters, metrics, slotOf, sumOf } from "../../src/observe/counters.ts";
import { prometheusText } from "../../src/observe/prometheus.ts";

describe("Counters", () => {
  test("every series of every metric has a slot of its own", () => {
    const slots = metrics().flatMap(({ name, series }) => series.map((_, i) => slotOf(name, i)));
    assert.equal(new Set(slots).size, slots.length);
    assert.equal(Counters.memory().byteLength, 8 * slots.length);
  });

  test("threads add up, and a gauge that one raised and lowered is gone", () => {
    const threads = [new Counters(Counters.memory()), new Counters(Counters.memory())];
    threads[0]?.add("bindings_total");
    threads[1]?.add("bindings_total", 0, 2);
    threads[1]?.add("allocations", 2);
    threads[1]?.add("allocations", 2, -1);
    assert.equal(sumOf(threads, "bindings_total", 0), 3);
    assert.equal(sumOf(threads, "allocations", 2), 0);
  });

  test("two views of one memory are one set of counters: main reads what a thread wrote", () => {
    const memory = Counters.memory();
    new Counters(memory).set("stream_connections", 1, 7);
    assert.equal(new Counters(memory).value("stream_connections", 1), 7);
  });
});

describe("prometheusText", () => {
  const counters = new Counters(Counters.memory());
  counters.add("allocations_total", 1, 5);
  const text = prometheusText([counters], [{ name: "ready", help: "Whether", value: 1 }]);
  const lines = text.trimEnd().split("\n");

  test("has the counted series with its label, and the gauge", () => {
    assert.ok(lines.includes('icebreaker_allocations_total{transport="tcp"} 5'));
    assert.ok(lines.includes("icebreaker_ready 1"));
    assert.ok(text.endsWith("\n"));
  });

  test("every sample line is well-formed and announced by HELP and TYPE", () => {
    const announced = new Set(lines.filter((line) => line.startsWith("# TYPE ")).map((line) => line.split(" ")[2]));
    for (const line of lines.filter((candidate) => !candidate.startsWith("#"))) {
      const [, name] = /^(icebreaker_[a-z_]+)(?:\{[a-z]+="[^"]*"\})? -?[0-9.e+]+$/.exec(line) ?? [];
      assert.ok(name !== undefined && announced.has(name), line);
    }
  });

  test("the number of series is fixed: it does not depend on what was counted", () => {
    const fresh = prometheusText([new Counters(Counters.memory())], []);
    assert.equal(fresh.split("\n").length, prometheusText([counters, counters], []).split("\n").length);
  });
});
