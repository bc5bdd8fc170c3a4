import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { describeFailure, failureOf } from "../support/life/failure.ts";
import { lead } from "../support/life/lead.ts";
import { randomLife } from "../support/life/random-life.ts";
import { shrink } from "../support/life/shrink.ts";
import type { Life } from "../support/life/step.ts";

const STEPS_IN_ALL = 1_000_000;
const STEPS = 2000;
const LIVES_IN_A_TEST = 50;
const TESTS = STEPS_IN_ALL / STEPS / LIVES_IN_A_TEST;
const corpus = join(import.meta.dirname, "corpus");

/**
 * Goal: through any interleaving of requests, retransmissions, data, moves, connections, clocks, expiry, disconnects,
 * revocation, reload and drain, exactly what RFC 8656, 8016 and 6062 and our settings permit is relayed, nothing leaves for
 * a denied address, and all that was taken comes back: ports, permissions, quotas, descriptors. Method: random lives beside a model; a life that fails is shrunk and printed, to be kept in the corpus.
 */
describe("lives keep to their model", () => {
  for (let i = 0; i < TESTS; i++) {
    const first = 1 + i * LIVES_IN_A_TEST;
    test(`${LIVES_IN_A_TEST} lives of ${STEPS} steps, seeds from ${first}`, { timeout: 120_000 }, () => {
      let [delivered, dropped] = [0, 0];
      for (let seed = first; seed < first + LIVES_IN_A_TEST; seed++) {
        const count = leadOrShrink(randomLife(seed, STEPS));
        delivered += count.delivered;
        dropped += count.dropped;
      }
      assert.ok(delivered > (STEPS * LIVES_IN_A_TEST) / 50 && dropped > delivered, "both happen often");
    });
  }
});

describe("lives of the corpus keep to their model", () => {
  for (const file of readdirSync(corpus).filter((name) => name.endsWith(".json"))) {
    const life: Life = JSON.parse(readFileSync(join(corpus, file), "utf8"));
    test(`${file}: ${life.what}`, () => {
      assert.ok(life.what, "it says why it is kept");
      leadOrShrink(life);
    });
  }
});

test("shrinking leaves what is needed and nothing else", () => {
  const whole = Array.from({ length: 300 }, (_, i) => i);
  const needs = (part: readonly number[]): boolean => part.includes(17) && part.indexOf(205) > part.indexOf(17);
  assert.deepEqual(shrink(whole, needs), [17, 205]);
  assert.deepEqual(
    shrink(whole, () => true),
    [],
  );
});

function leadOrShrink(life: Life): { delivered: number; dropped: number } {
  try {
    return lead(life);
  } catch (error) {
    const failure = failureOf(life);
    throw failure === undefined ? error : new Error(describeFailure(failure), { cause: error });
  }
}
