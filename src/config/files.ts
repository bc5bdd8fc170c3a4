import { existsSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname } from "node:path";

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
  const code = codeOf(error);
  if (code === "ENOENT") return "is not there";
  if (code === "EISDIR") return "is a directory";
  const facts = files.facts(path);
  if (facts === undefined) return `cannot be read (${code}), nor can its directory`;
  return `cannot be read (${code}): it ${inWords(facts)}`;
}

/**
 * Why a directory could not be made or written to, as the end of a sentence: of the nearest directory there is, its
 * owner, mode and our user; or what is wrong with the disk.
 *
 * @param path absolute
 * @param error what making it, or writing in it, threw
 */
export function whyUnwritable(files: Files, path: string, error: unknown): string {
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") return `cannot be written to (${code}): there is no space left on its disk`;
  if (code === "EROFS") return `cannot be written to (${code}): its file system is read-only`;
  if (code === "ENOTDIR" || code === "EEXIST") return `cannot be a directory (${code}): there is a file`;
  const place = nearestThere(files, path);
  const facts = files.facts(place);
  const verb = place === path ? "be written to" : "be made";
  const whose = place === path ? "it" : place;
  return `cannot ${verb} (${code})${facts === undefined ? "" : `: ${whose} ${inWords(facts)}`}`;
}

function nearestThere(files: Files, path: string): string {
  const above = dirname(path);
  return above === path || files.exists(path) ? path : nearestThere(files, above);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? `${error.code}` : `${error}`;
}

function inWords({ owner, mode, us }: FileFacts): string {
  return `belongs to ${owner}, its mode is ${mode.toString(8).padStart(4, "0")}, and we are ${us}`;
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
