import { run } from "./cli/cli.ts";
import { systemWorld } from "./cli/world.ts";

process.exitCode = await run(process.argv.slice(2), systemWorld());
