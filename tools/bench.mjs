/** `npm run bench -- NAME`: runs `bench/NAME.ts`. Further arguments go to it. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { installed, root, run } from "./run.mjs";

const [name, ...args] = process.argv.slice(2);
const names = readdirSync(join(root, "bench"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -".ts".length));

if (name !== undefined && names.includes(name)) {
  await ensureInstalled();
  process.exitCode = await run(installed("bun"), [`bench/${name}.ts`, ...args]);
} else {
  process.stderr.write(
    `${name === undefined ? "Which bench?" : `There is no bench "${name}".`} There are: ${names.join(", ")}\n`,
  );
  process.exitCode = 2;
}
