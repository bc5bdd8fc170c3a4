/**
 * `npm run build:targets -- [linux-arm64] [linux-x64-musl] [linux-arm64-musl]`: the executable for other machines than this
 * one, all of them if none is named, as `dist/<target>/icebreaker`.
 *
 * The runtimes come from the npm registry in the version, and with the hash, that package-lock.json pins; they stay in
 * `dist/runtimes`. No installation takes them along, for each is as large as the one that runs here.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { installed, root, run } from "./run.mjs";

const PACKAGES = {
  "linux-arm64": "@oven/bun-linux-aarch64",
  "linux-x64-musl": "@oven/bun-linux-x64-musl",
  "linux-arm64-musl": "@oven/bun-linux-aarch64-musl",
};
const runtimes = join(root, "dist", "runtimes");

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(PACKAGES, name));
if (unknown.length > 0) {
  process.stderr.write(`There is no target "${unknown[0]}". There are: ${Object.keys(PACKAGES).join(", ")}\n`);
  process.exit(2);
}
await ensureInstalled();
for (const name of names.length > 0 ? names : Object.keys(PACKAGES)) {
  const flags = ["--target", `bun-${name}`, "--runtime", await runtimeOf(PACKAGES[name]), "--outfile", `dist/${name}/icebreaker`];
  const code = await run(installed("bun"), ["build.ts", ...flags]);
  if (code !== 0) process.exit(code);
}

/** The path of a package's runtime, fetched if it is not there. */
async function runtimeOf(name) {
  const { version, integrity } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages[
    `node_modules/${name}`
  ];
  const folder = join(runtimes, `${name.replace("@oven/", "")}-${version}`);
  if (!existsSync(folder)) await fetchInto(folder, `${name}@${version}`, integrity);
  return join(folder, "package", "bin", "bun");
}

/** The folder appears whole or not at all. */
async function fetchInto(folder, specifier, integrity) {
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    await must("npm", ["pack", "--silent", "--pack-destination", draft, specifier]);
    const archive = join(draft, `${specifier.replace("@", "").replace(/[/@]/g, "-")}.tgz`);
    const hash = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (hash !== integrity) throw new Error(`${specifier} has the hash ${hash}, and package-lock.json pins ${integrity}`);
    await must("tar", ["-xzf", archive, "-C", draft]);
    rmSync(archive);
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function must(command, args) {
  const code = await run(command, args, { stdio: ["ignore", 2, 2] });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}`);
}
