import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root, run, succeeds } from "./run.mjs";

/** Packages whose own install script fetches nothing but puts their program in its place. */
const PROGRAMS = ["bun", "deno"];

/**
 * Installs what `package-lock.json` pins, if any of it is missing or of another version; whoever installed it before, npm
 * or bun, does not matter.
 *
 * @throws {Error} if npm fails, or if Bun does not run afterwards
 */
export async function ensureInstalled() {
  if (isInstalled()) return ensurePrograms();
  process.stderr.write("Installing what package-lock.json pins …\n");
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm?.endsWith(".js") || npm?.endsWith(".cjs") ? [process.execPath, npm, "ci"] : ["npm", "ci"];
  // What npm says is not what was asked for: it goes to stderr.
  const code = await run(command, args, { stdio: ["ignore", 2, 2] });
  if (code !== 0) throw new Error(`npm ci ended with ${code}`);
  await ensurePrograms();
}

/** Whether every package that this platform cannot do without is there in its pinned version. */
function isInstalled() {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(packages).every(([path, { version, optional, peer }]) => {
    return path === "" || optional === true || peer === true || versionAt(path) === version;
  });
}

function versionAt(path) {
  const manifest = join(root, path, "package.json");
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : undefined;
}

/** Runs the install script of a package whose program does not start: npm may have been told not to. */
async function ensurePrograms() {
  for (const name of PROGRAMS) {
    const program = join(root, "node_modules", ".bin", name);
    if (existsSync(program) && (await succeeds(program, ["--version"]))) continue;
    const folder = join(root, "node_modules", name);
    const script = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).scripts?.postinstall?.replace(/^node /, "");
    if (script !== undefined) await run(process.execPath, [script], { cwd: folder, stdio: ["ignore", 2, 2] });
    if (!(await succeeds(program, ["--version"])) && name === "bun") throw new Error(`${program} does not run`);
  }
}
