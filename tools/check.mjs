/** `npm run check`: what to run before a commit. Types, format and lint, the house rules, unit tests on Bun and on Deno. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { installed, root, run } from "./run.mjs";

/** Folders of tests that need no executable and no other program. */
const SLOW = ["end-to-end", "simulation", "support", "suites", "vectors"];
/** Pure layers: their tests run on both runtimes. */
const PURE = ["lib", "net", "stun", "credentials", "policy", "forward", "turn", "conformance"];

await ensureInstalled();
const unit = readdirSync(join(root, "test"))
  .filter((name) => !SLOW.includes(name) && (name.endsWith(".test.ts") || statSync(join(root, "test", name)).isDirectory()))
  .map((name) => `./test/${name}`);
const pure = PURE.map((name) => `test/${name}`).filter((path) => existsSync(join(root, path)));

const steps = [
  ["types", installed("tsc"), []],
  ["format and lint", installed("biome"), ["check"]],
  ["tests on Bun", installed("bun"), ["test", "--only-failures", ...unit]],
  ["tests on Deno", installed("deno"), ["test", "--allow-all", "--no-check", "--quiet", "--reporter=dot", ...pure]],
];
const failed = [];
for (const [name, command, args] of steps) if ((await run(command, args)) !== 0) failed.push(name);
process.stdout.write(failed.length === 0 ? "All is well\n" : `Failed: ${failed.join(", ")}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
