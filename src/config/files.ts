import { existsSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";

/** The file system, as far as settings need it. */
export interface Files {
  /** @throws {Error} with a `code` such as `ENOENT` or `EACCES` */
  read(path: string): string;
  exists(path: string): boolean;
  /** Owner and mode of a file, and our user: what tells an operator why it cannot be read; `undefined` if it cannot be told. */
  facts(path: string): FileFacts | undefined;
}

/** Who may read a file, and who we are. */
export interface FileFacts {
  readonly owner: string;
  /** The permission bits. */
  readonly mode: number;
  readonly us: string;
}

/** The real one. */
export const systemFiles: Files = {
  read: (path) => readFileSync(path, "utf8"),
  exists: existsSync,
  facts(path) {
    try {
      const { uid, mode } = statSync(path);
      return { owner: nameOf(uid), mode: mode & 0o7777, us: nameOf(userInfo().uid) };
    } catch {
      return undefined;
    }
  },
};

/**
 * Why a file could not be read, as the end of a sentence: `is not there`, or its owner, mode and our user.
 *
 * @param error what reading it threw
 */
export function whyUnreadable(files: Files, path: string, error: unknown): string {
  const code = error instanceof Error && "code" in error ? `${error.code}` : "";
  if (code === "ENOENT") return "is not there";
  if (code === "EISDIR") return "is a directory";
  const facts = files.facts(path);
  if (facts === undefined) return `cannot be read (${code || error}), nor can its directory`;
  const mode = facts.mode.toString(8).padStart(4, "0");
  return `cannot be read (${code || error}): it belongs to ${facts.owner}, its mode is ${mode}, and we are ${facts.us}`;
}

function nameOf(uid: number): string {
  try {
    const row = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((line) => line.split(":")[2] === `${uid}`);
    return row?.split(":")[0] ?? `user ${uid}`;
  } catch {
    return `user ${uid}`;
  }
}
