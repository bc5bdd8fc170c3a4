/**
 * Builds `dist/icebreaker`, one file that needs nothing beside it.
 *
 *     bun build.ts [--target bun-linux-arm64] [--runtime PATH] [--outfile PATH]
 *
 * `npm run build:targets` calls it for other machines, with their runtimes.
 *
 * The same source gives the same bytes, wherever it lies, if the name of the outfile is the same. What surrounds the
 * executable cannot make it run other code: no `.env`, no `bunfig.toml`, no code from strings, which also stops
 * `BUN_OPTIONS=--preload` and `BUN_INSPECT`.
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    target: { type: "string" },
    runtime: { type: "string" },
    outfile: { type: "string", default: "dist/icebreaker" },
  },
});

const built = Bun.spawnSync(
  [
    process.execPath,
    "build",
    "--compile",
    // Not --minify-identifiers: Elysia reads the text of functions.
    "--minify-syntax",
    "--minify-whitespace",
    "--bytecode",
    "--format=esm",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "--compile-exec-argv=--disallow-code-generation-from-strings=strict",
    "--define=EXECUTABLE=true",
    // Else packages bring the path of the folder they were built in.
    '--define=__dirname="/"',
    ...(values.target === undefined ? [] : [`--target=${values.target}`]),
    ...(values.runtime === undefined ? [] : [`--compile-executable-path=${values.runtime}`]),
    `--outfile=${values.outfile}`,
    "src/main.ts",
    "src/threads/relay-thread.ts",
    "src/threads/edge-thread.ts",
    "src/threads/bell-thread.ts",
  ],
  { cwd: import.meta.dir, stdout: "inherit", stderr: "inherit" },
);
process.exitCode = built.exitCode;
