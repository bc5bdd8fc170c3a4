import {
  Kysely,
  type PostgresCursor,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
} from "kysely";
import postgres from "postgres";
import { migrate, versionOf } from "./migrations.ts";
import type { Schema } from "./schema.ts";
import { SqlStore, type SqlStoreOptions } from "./sql-store.ts";
import { type Store, StoreBusy, StoreMissing } from "./store.ts";

/** Where the server is, and how long to wait for another writer. */
export interface PostgresOptions extends Pick<SqlStoreOptions, "now" | "random"> {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** Makes the tables if there are none. */
  readonly create: boolean;
  /** Nobody's thread stands still here, so it is one second at least. */
  readonly busyTimeoutMs: number;
}

const CONNECTIONS = 4;
const CONNECT_TIMEOUT_SECONDS = 5;
const SHORTEST_LOCK_TIMEOUT_MS = 1000;
const STATEMENT_TIMEOUT_MS = 4_000;
/** A server that is gone without a word is given up after so long. */
const ANSWER_TIMEOUT_MS = 5_000;
const BIGINT_OID = 20;
const MIGRATION_LOCK = "select pg_advisory_xact_lock(4207849)"; // any number that nobody else takes
/** lock_not_available, query_canceled, serialization_failure, deadlock_detected. */
const busyCodes = new Set(["55P03", "57014", "40001", "40P01"]);

/**
 * Opens a database on a PostgreSQL server, which a fleet may share.
 *
 * @throws {StoreMissing} if it has no tables of ours and they may not be made
 * @throws {Error} what the server or the network says
 */
export async function openPostgres({ url, create, busyTimeoutMs, now, random }: PostgresOptions): Promise<Store> {
  const connect = (): Sql =>
    postgres(url, {
      max: CONNECTIONS,
      connect_timeout: CONNECT_TIMEOUT_SECONDS,
      onnotice: () => {},
      types: { bigint: { to: BIGINT_OID, from: [BIGINT_OID], serialize: String, parse: Number } },
      connection: {
        application_name: "icebreaker",
        lock_timeout: Math.max(busyTimeoutMs, SHORTEST_LOCK_TIMEOUT_MS),
        statement_timeout: STATEMENT_TIMEOUT_MS,
      },
    });
  const pool = new Pool(connect);
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  try {
    if (!create && (await versionOf(db)) === 0) {
      const { host, pathname } = new URL(url);
      throw new StoreMissing(`There are no tables of icebreaker in the database ${pathname.slice(1)} at ${host}`);
    }
    await migrate(db, MIGRATION_LOCK);
  } catch (error) {
    await db.destroy();
    throw translate(error);
  }
  return new SqlStore(db, { now, random, translate });
}

type Sql = postgres.Sql<{ bigint: number }>;

/**
 * The driver in the form that Kysely's dialect asks for: connections that are taken and given back.
 *
 * A server that answers nothing any more, not even that it is gone, would keep its connections for ever: one silence
 * too long, and all of them are closed and made anew.
 */
class Pool implements PostgresPool {
  readonly #connect: () => Sql;
  #sql: Sql;

  constructor(connect: () => Sql) {
    this.#connect = connect;
    this.#sql = connect();
  }

  async connect(): Promise<PostgresPoolClient> {
    const sql = this.#sql;
    const connection = await this.answerFrom(sql, sql.reserve());
    return new Connection(connection, (answer) => this.answerFrom(sql, answer));
  }

  end(): Promise<void> {
    return this.#sql.end({ timeout: 1 });
  }

  /** @throws {Error} if it does not come in time */
  async answerFrom<T>(sql: Sql, answer: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (sql === this.#sql) this.#sql = this.#connect();
        sql.end({ timeout: 0 }).catch(() => {}); // what it waits for fails with it
        reject(new Error(`The database has not answered for ${ANSWER_TIMEOUT_MS / 1000} seconds`));
      }, ANSWER_TIMEOUT_MS);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

class Connection implements PostgresPoolClient {
  readonly #connection: postgres.ReservedSql<{ bigint: number }>;
  readonly #inTime: <T>(answer: Promise<T>) => Promise<T>;

  constructor(connection: postgres.ReservedSql<{ bigint: number }>, inTime: <T>(answer: Promise<T>) => Promise<T>) {
    this.#connection = connection;
    this.#inTime = inTime;
  }

  query<R>(text: string, parameters?: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(
    text: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof text !== "string") throw new TypeError("Cursors are not in use");
    return this.#run(text, parameters);
  }

  async #run<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    const rows = await this.#inTime(this.#connection.unsafe<(R & Iterable<R>)[]>(text, parameters.map(bindable)));
    return { command: commandOf(rows.command), rowCount: rows.count, rows: [...rows] };
  }

  release(): void {
    this.#connection.release();
  }
}

/** Kysely counts the rows of these four; the others have none to count. */
function commandOf(command: string): "UPDATE" | "DELETE" | "INSERT" | "MERGE" | "SELECT" {
  if (command === "UPDATE" || command === "DELETE" || command === "INSERT" || command === "MERGE") return command;
  return "SELECT";
}

/** Kysely's parameters are unknown to it; these are what our columns hold, and what its own look at the tables asks with. */
function bindable(parameter: unknown): string | number | boolean | null {
  if (typeof parameter === "string" || typeof parameter === "number") return parameter;
  if (typeof parameter === "boolean" || parameter === null) return parameter;
  throw new TypeError(`A column cannot hold a ${typeof parameter}`);
}

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  return busyCodes.has(error.code) ? new StoreBusy(error.message, { cause: error }) : error;
}
