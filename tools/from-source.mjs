/** `node tools/from-source.mjs FILE …`: installs what is missing and runs a TypeScript file on the pinned Bun. */
import { ensureInstalled } from "./install.mjs";
import { installed, run } from "./run.mjs";

await ensureInstalled();
process.exitCode = await run(installed("bun"), process.argv.slice(2));
