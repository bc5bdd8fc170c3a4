import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { corpusOf, fuzz, tryInput } from "../support/fuzz/fuzz.ts";
import { fuzzTargets } from "../support/fuzz/targets.ts";

/** Seconds' worth of inputs, at the least that a parser must take. */
const SECONDS_WORTH = 20;
const MOST_RUNS = 40_000;
/** A machine that tests run on may be slow, and busy with others. */
const PATIENCE = 10;
/** Held after all garbage was collected; where it cannot be (Deno), with the garbage. */
const MEMORY_BYTES = ("Bun" in globalThis ? 32 : 512) * 1024 * 1024;

/**
 * Goal: no octets of a stranger's make a parser throw, take long, or hold memory. Method: mutations of a corpus of what is
 * right, the same ones on each run; `npm run fuzz -- NAME --seconds N` goes on from there, and keeps what it finds.
 */
describe("parsers that strangers reach", () => {
  for (const target of fuzzTargets()) {
    const { name, perSecond } = target;

    test(`${name}: the corpus is answered`, async () => {
      const corpus = corpusOf(target);
      assert.ok(corpus.size >= 3, "there are samples");
      for (const input of corpus.values()) await tryInput(target, input);
    });

    test(`${name}: mutations of it are answered, in time and without keeping them`, { timeout: 120_000 }, async () => {
      const runs = Math.min(MOST_RUNS, SECONDS_WORTH * perSecond);
      const runtime = await openRuntime();
      const heldBytes = (): number => {
        runtime.collectAll();
        return process.memoryUsage().heapUsed;
      };
      const before = heldBytes();
      const start = performance.now();
      await fuzz(target, seededRandom(20_260_101), (done) => done >= runs);
      const seconds = (performance.now() - start) / 1000;
      assert.ok(seconds < (runs / perSecond) * PATIENCE, `${runs} inputs took ${seconds} s`);
      const grown = heldBytes() - before;
      assert.ok(grown < MEMORY_BYTES, `${grown} octets more than before`);
    });
  }
});
