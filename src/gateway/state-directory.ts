import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemFiles, whyUnreadable, whyUnwritable } from "../config/files.ts";

/** A start that cannot go on; the sentence names what to change. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}

const OURS_ALONE = 0o600;
/** A full disk lets empty files be made. */
const PROBE_OCTETS = 4096;

/**
 * Makes the state directory if it is not there.
 *
 * @throws {StartFailure} if it cannot be made or written, naming the setting
 */
export async function prepareStateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const probe = join(path, ".writable");
    await writeFile(probe, "?".repeat(PROBE_OCTETS), { mode: OURS_ALONE });
    await rm(probe);
  } catch (error) {
    throw new StartFailure(`state_dir: ${path} ${whyUnwritable(systemFiles, resolve(path), error)}`);
  }
}

/** Writes a secret file that only we may read. */
export async function writeSecret(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: OURS_ALONE });
}

/** A file's text, or `undefined` where there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new StartFailure(`${path} ${whyUnreadable(systemFiles, path, error)}`);
  }
}
