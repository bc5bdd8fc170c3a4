/** `npm run format`: puts format and lint right where that can be done safely. Arguments are files or folders; else everything. */
import { ensureInstalled } from "./install.mjs";
import { installed, run } from "./run.mjs";

await ensureInstalled();
process.exitCode = await run(installed("biome"), ["check", "--write", ...process.argv.slice(2)]);
