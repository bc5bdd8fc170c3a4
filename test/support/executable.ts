import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runToEnd } from "./child.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const outfile = join(root, "dist", "icebreaker");
const lock = join(root, "dist", ".building");
const BUILD_TIMEOUT_MS = 120_000;
const LOOK_AGAIN_MS = 100;

let built: Promise<string> | undefined;

/**
 * The path of the built executable: `$ICEBREAKER_EXECUTABLE` if that is set, else `dist/icebreaker`, built first
 * where it is missing or older than its source. Test files that run side by side build it once.
 *
 * @throws {Error} with what the build said, if it fails
 */
export function executable(): Promise<string> {
  built ??= process.env.ICEBREAKER_EXECUTABLE ? Promise.resolve(process.env.ICEBREAKER_EXECUTABLE) : build();
  return built;
}

async function build(): Promise<string> {
  await mkdir(join(root, "dist"), { recursive: true });
  const deadline = Date.now() + BUILD_TIMEOUT_MS;
  while (!(await isFresh())) {
    if (await takeLock()) {
      try {
        if (!(await isFresh())) await runBuild();
      } finally {
        await rm(lock, { recursive: true, force: true });
      }
    } else if (Date.now() > deadline) {
      throw new Error(`Somebody has held ${lock} for ${BUILD_TIMEOUT_MS} ms without building ${outfile}`);
    } else {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
  return outfile;
}

async function runBuild(): Promise<void> {
  const bun = join(root, "node_modules", ".bin", "bun");
  const { code, stdout, stderr } = await runToEnd(bun, ["build.ts"], { cwd: root, withinMs: BUILD_TIMEOUT_MS });
  if (code !== 0) throw new Error(`The build failed with ${code}:\n${stdout}\n${stderr}`);
}

/** Directories are made by one process alone; a lock whose maker is gone is nobody's. */
async function takeLock(): Promise<boolean> {
  try {
    await mkdir(lock);
    await writeFile(join(lock, "pid"), `${process.pid}`);
    return true;
  } catch {
    const holder = Number(await readFile(join(lock, "pid"), "utf8").catch(() => process.pid));
    if (!isAlive(holder)) await rm(lock, { recursive: true, force: true });
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function isFresh(): Promise<boolean> {
  const made = await modifiedMs(outfile);
  if (made === 0) return false;
  for (const path of [join(root, "build.ts"), join(root, "package.json"), ...(await sources())]) {
    if ((await modifiedMs(path)) > made) return false;
  }
  return true;
}

async function sources(): Promise<string[]> {
  const entries = await readdir(join(root, "src"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function modifiedMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
