/**
 * `npm run simulate -- [--seed N] [--steps N] [--lives N] [--quiet] [--file PATH]`: random lives of the engine beside its model.
 *
 * One life is told step by step; of several, each has the next seed. A life that fails is shrunk and printed, to be kept in
 * test/simulation/corpus. `--file` leads a life of the corpus.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeFailure, failureOf } from "../test/support/life/failure.ts";
import { lead, LifeError } from "../test/support/life/lead.ts";
import { randomLife } from "../test/support/life/random-life.ts";
import type { Life } from "../test/support/life/step.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: "1000" },
    lives: { type: "string", default: "1" },
    quiet: { type: "boolean", default: false },
    file: { type: "string" },
  },
});
const [first, steps, lives] = [Number(values.seed), Number(values.steps), Number(values.lives)];
/** Longer lives than this only repeat themselves; many steps are many lives. */
const LONGEST = 5000;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.file !== undefined) {
  const life: Life = JSON.parse(readFileSync(values.file, "utf8"));
  follow(life, print);
} else {
  const pieces = Math.ceil(steps / LONGEST);
  const count = lives * pieces;
  for (let seed = first; seed < first + count && process.exitCode === undefined; seed++) {
    follow(randomLife(seed, Math.min(steps, LONGEST)), count > 1 || values.quiet ? undefined : print);
  }
}

function follow(life: Life, say: ((line: string) => void) | undefined): void {
  try {
    const { steps, delivered, dropped } = lead(life, say);
    print(`seed ${life.limits.seed}: ${steps} steps, ${delivered} datagrams delivered, ${dropped} dropped, as the model says`);
  } catch (error) {
    if (!(error instanceof LifeError)) throw error;
    const failure = failureOf(life);
    print(failure === undefined ? error.message : describeFailure(failure));
    process.exitCode = 1;
  }
}
