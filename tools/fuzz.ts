/**
 * `npm run fuzz -- NAME [--seconds N] [--seed N]`: gives a parser mutated inputs for a while; without a name, all of them.
 *
 * An input that goes wrong is shortened, printed, and kept in test/fuzz/corpus, where `npm test` tries it from then on.
 */
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { nearest } from "../src/lib/nearest.ts";
import { FuzzError, fuzz, keep } from "../test/support/fuzz/fuzz.ts";
import { fuzzTargets } from "../test/support/fuzz/targets.ts";
import { seededRandom } from "../test/support/seeded-random.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: `${randomBytes(4).readUInt32BE()}` },
  },
});
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const targets = fuzzTargets();
const names = targets.map(({ name }) => name);

for (const name of positionals.length > 0 ? positionals : names) {
  const target = targets.find((each) => each.name === name);
  if (target === undefined) {
    print(`There is no "${name}"; did you mean "${nearest(name, names) ?? names[0]}"? There are ${names.join(", ")}`);
    process.exitCode = 2;
    break;
  }
  const until = performance.now() + Number(values.seconds) * 1000;
  try {
    const runs = await fuzz(target, seededRandom(Number(values.seed)), () => performance.now() >= until);
    print(`${name}: ${runs} inputs, seed ${values.seed}, all answered`);
  } catch (error) {
    if (!(error instanceof FuzzError)) throw error;
    print(`${error.message}\n${(error.cause instanceof Error && error.cause.stack) || ""}\nKept as ${keep(target, error.input)}`);
    process.exitCode = 1;
  }
}
