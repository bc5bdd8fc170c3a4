import { randomBytes } from "node:crypto";
import { isAbsolute, resolve } from "node:path";
import { randomFrom } from "../lib/random.ts";
import { openPostgres } from "./postgres.ts";
import { openSqlite } from "./sqlite.ts";
import type { Store } from "./store.ts";

/** How to open. */
export interface OpenOptions {
  /** Where a relative `sqlite:` path begins. */
  readonly stateDir: string;
  /** Makes the database if there is none: only `serve` does. */
  readonly create: boolean;
  /** How long one operation may wait for another writer: 50 in a server, whose thread stands still meanwhile. */
  readonly busyTimeoutMs: number;
  /** Wall clock; the host's by default. */
  readonly now?: () => number;
}

/**
 * Opens the database of `database.url`, with tables of the newest version.
 *
 * @param url `sqlite:icebreaker.db` in the state directory, `sqlite:/absolute/path`, or `postgres://…`
 * @throws {StoreMissing} if there is none and it may not be made; the message says where it looked
 * @throws {SyntaxError} for any other URL
 */
export function openStore(url: string, { stateDir, create, busyTimeoutMs, now = Date.now }: OpenOptions): Promise<Store> {
  const random = randomFrom(randomBytes);
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres({ url, create, busyTimeoutMs, now, random });
  const path = sqlitePath(url, stateDir);
  if (path === undefined) throw new SyntaxError(`"${withoutPassword(url)}" is neither sqlite:… nor postgres://…`);
  return openSqlite({ path, create, busyTimeoutMs, now, random });
}

/** The file that a `sqlite:` URL means, or `undefined` for another kind of URL. */
export function sqlitePath(url: string, stateDir: string): string | undefined {
  const [, path] = /^sqlite:(?:\/\/(?=\/))?(.+)$/s.exec(url) ?? [];
  if (path === undefined) return undefined;
  return isAbsolute(path) ? path : resolve(stateDir, path);
}

/** A database URL that may be shown: its password is three stars. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z]+:\/\/[^:/@?#]*):[^@/?#]*@/i, "$1:***@");
}
