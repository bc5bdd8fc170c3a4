import { type Kysely, sql } from "kysely";
import type { Schema } from "./schema.ts";

/** Numbered from 1, forward only, in words that SQLite and PostgreSQL share. What has been released never changes. */
const migrations: readonly (readonly string[])[] = [
  [
    "create table counter (name text primary key, value bigint not null)",
    "insert into counter (name, value) values ('revision', 0)",
    `create table projects (
      id text primary key, name text not null, regions text not null, secret text not null,
      created_ms bigint not null, deleted integer not null, revision bigint not null)`,
    "create index projects_by_revision on projects (revision)",
    `create table api_keys (
      id text primary key, project text not null references projects (id), name text, hash text not null unique,
      created_ms bigint not null, revoked integer not null, revision bigint not null)`,
    "create index api_keys_by_project on api_keys (project)",
    "create index api_keys_by_revision on api_keys (revision)",
    "create table revocations (username text primary key, expires_ms bigint not null, revision bigint not null)",
    "create index revocations_by_revision on revocations (revision)",
    "create index revocations_by_expiry on revocations (expires_ms)",
    `create table gateways (
      id text primary key, region text not null, endpoints text not null, draining integer not null, heartbeat_ms bigint not null)`,
  ],
];

/** How many migrations there are: the version of the newest tables. */
export const newestVersion = migrations.length;

/**
 * Brings the tables to the newest version, in one transaction.
 *
 * @param lock a statement that keeps a second process out until the transaction ends, where a first write does not
 * @returns the version found, 0 in an empty database
 * @throws {RangeError} if the tables are newer than this program
 */
export async function migrate(db: Kysely<Schema>, lock?: string): Promise<number> {
  const before = await versionOf(db);
  if (before === newestVersion) return before;
  if (before > newestVersion) {
    throw new RangeError(`The database has version ${before}, and this program knows ${newestVersion}: run a newer one`);
  }
  return db.transaction().execute(async (transaction) => {
    if (lock !== undefined) await sql.raw(lock).execute(transaction);
    await sql`create table if not exists schema_version (version bigint not null)`.execute(transaction);
    await sql`delete from schema_version where version < 0`.execute(transaction); // takes SQLite's write lock
    const found = await versionOf(transaction);
    for (const statements of migrations.slice(found)) {
      for (const statement of statements) await sql.raw(statement).execute(transaction);
    }
    await sql`delete from schema_version`.execute(transaction);
    await sql`insert into schema_version (version) values (${newestVersion})`.execute(transaction);
    return found;
  });
}

/** The version of the tables, 0 where there are none. Inside a transaction the table must be there. */
export async function versionOf(db: Kysely<Schema>): Promise<number> {
  if (!db.isTransaction && !(await db.introspection.getTables()).some(({ name }) => name === "schema_version")) return 0;
  const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(db);
  return Number(rows[0]?.version ?? 0);
}
