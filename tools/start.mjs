/** `npm start`: installs and builds what is missing, then runs the gateway. Arguments go to `icebreaker serve`. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { installed, root, run } from "./run.mjs";

const executable = join(root, "dist", "icebreaker");

await ensureInstalled();
if (modified(executable) < newestSource()) {
  process.stderr.write("Building dist/icebreaker …\n");
  const code = await run(installed("bun"), ["build.ts"], { stdio: ["ignore", 2, 2] });
  if (code !== 0) process.exit(code);
}
process.exitCode = await run(executable, ["serve", ...process.argv.slice(2)]);

function newestSource() {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map((path) => join("src", path));
  return Math.max(...[...sources, "build.ts", "package-lock.json"].map((path) => modified(join(root, path))));
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}
