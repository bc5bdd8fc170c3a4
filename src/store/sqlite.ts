import { closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Kysely, type SqliteDatabase, SqliteDialect } from "kysely";
import { migrate } from "./migrations.ts";
import type { Schema } from "./schema.ts";
import { SqlStore, type SqlStoreOptions } from "./sql-store.ts";
import { type Store, StoreBusy, StoreGone, StoreMissing } from "./store.ts";

/** Where the file is, and how long to wait for another writer. */
export interface SqliteOptions extends Pick<SqlStoreOptions, "now" | "random"> {
  readonly path: string;
  /** Makes the file, mode 0600, and its folder, if there is none. */
  readonly create: boolean;
  /** The whole thread stands still for so long: 50 in a server, 5000 in a command. */
  readonly busyTimeoutMs: number;
}

const MIGRATION_TIMEOUT_MS = 10_000;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

/**
 * Opens a database in a file.
 *
 * @throws {StoreMissing} if there is none and it may not be made
 * @throws {Error} what the system says of a file that cannot be opened, with its path
 */
export async function openSqlite({ path, create, busyTimeoutMs, now, random }: SqliteOptions): Promise<Store> {
  if (!create && !holdsSomething(path)) throw new StoreMissing(`There is no database at ${path}`);
  if (create) makeFile(path);

  const file = new DatabaseFile(path, busyTimeoutMs);
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: file }) });
  try {
    file.patience(MIGRATION_TIMEOUT_MS);
    await migrate(db);
    file.patience(busyTimeoutMs);
  } catch (error) {
    await db.destroy();
    throw translate(error);
  }
  return new SqlStore(db, { now, random, translate, version: () => file.version() });
}

/**
 * The connection, in the form that Kysely asks for. It notices when its file was taken away or replaced: an open file
 * without a name goes on working, while everyone else has another database.
 */
class DatabaseFile implements SqliteDatabase {
  readonly #path: string;
  readonly #busyTimeoutMs: number;
  #database: DatabaseSync;
  #inode: number;
  /** Files that were opened so far. */
  #opened = 1;
  /** By their text, of which there are as many as queries in our code. */
  #statements = new Map<string, StatementSync>();

  constructor(path: string, busyTimeoutMs: number) {
    this.#path = path;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#database = openFile(path, busyTimeoutMs);
    this.#inode = statSync(path).ino;
  }

  patience(busyTimeoutMs: number): void {
    this.#database.exec(`pragma busy_timeout = ${busyTimeoutMs}`);
  }

  prepare(query: string): ReturnType<SqliteDatabase["prepare"]> {
    this.#followFile();
    const statement = this.#prepared(query);
    return {
      get reader() {
        return statement.columns().length > 0;
      },
      all: (parameters) => statement.all(...parameters.map(bindable)),
      run: (parameters) => statement.run(...parameters.map(bindable)),
      iterate: (parameters) => statement.iterate(...parameters.map(bindable)),
    };
  }

  close(): void {
    this.#database.close();
  }

  /**
   * What is another whenever another connection has written, or the file is another one; our own writing does not show.
   *
   * @throws {StoreGone} if the file is gone
   */
  version(): string {
    this.#followFile();
    return `${this.#opened}:${this.#prepared("pragma data_version").get()?.["data_version"]}`;
  }

  #prepared(query: string): StatementSync {
    let statement = this.#statements.get(query);
    if (statement === undefined) {
      statement = this.#database.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement;
  }

  #followFile(): void {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    if (found === undefined) throw new StoreGone(`The database ${this.#path} is gone`);
    if (found.ino === this.#inode) return;
    const next = openFile(this.#path, this.#busyTimeoutMs);
    this.#database.close();
    this.#database = next;
    this.#inode = found.ino;
    this.#opened += 1;
    this.#statements = new Map();
  }
}

function openFile(path: string, busyTimeoutMs: number): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
  database.exec("pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on");
  return database;
}

/** Made before SQLite would, so that it and the files beside it are nobody else's to read. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
}

function holdsSomething(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}

/** Kysely's parameters are unknown to it; these are what our columns hold. */
function bindable(parameter: unknown): string | number | null {
  if (typeof parameter === "string" || typeof parameter === "number" || parameter === null) return parameter;
  throw new TypeError(`SQLite cannot bind a ${typeof parameter}`);
}

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return error;
  const primary = error.errcode & 0xff;
  return primary === SQLITE_BUSY || primary === SQLITE_LOCKED ? new StoreBusy(error.message, { cause: error }) : error;
}
