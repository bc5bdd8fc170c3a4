/**
 * `npm run simulate -- [--seed N] [--steps N] [--lives N] [--quiet]`: random lives of the engine beside its model.
 *
 * One life is told step by step; of several, each has the next seed, and only a failure is told.
 */
import { parseArgs } from "node:util";
import { live } from "../test/support/random-life.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: "1000" },
    lives: { type: "string", default: "1" },
    quiet: { type: "boolean", default: false },
  },
});
const [first, steps, lives] = [Number(values.seed), Number(values.steps), Number(values.lives)];
const print = (line: string): void => void process.stdout.write(`${line}\n`);

for (let seed = first; seed < first + lives; seed++) {
  const { delivered, dropped } = live(seed, steps, lives > 1 || values.quiet ? undefined : print);
  print(`seed ${seed}: ${steps} steps, ${delivered} datagrams delivered, ${dropped} dropped, as the model says`);
}
