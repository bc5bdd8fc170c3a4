import type { Kysely } from "kysely";
import { apiKeyOf, projectOf, revocationOf } from "./rows.ts";
import type { Schema } from "./schema.ts";
import type { Change } from "./store.ts";

/**
 * At most `limit` rows above a revision, oldest first.
 *
 * The counter is read before the rows, and rows above it are left for the next time: so what changes between the
 * queries is neither lost nor half seen, and no transaction is needed. Each revision is one row, so a page never
 * cuts one in two.
 */
export async function changesSince(db: Kysely<Schema>, revision: number, limit: number): Promise<Change> {
  const counter = await db.selectFrom("counter").select("value").where("name", "=", "revision").executeTakeFirstOrThrow();
  if (counter.value === revision && revision > 0) return emptyChange(revision);
  const fromBeginning = revision === 0 || counter.value < revision;
  const since = fromBeginning ? 0 : revision;

  const projects = await db
    .selectFrom("projects")
    .selectAll()
    .where("revision", ">", since)
    .where("revision", "<=", counter.value)
    .orderBy("revision")
    .limit(limit + 1)
    .execute();
  const keys = await db
    .selectFrom("api_keys")
    .selectAll()
    .where("revision", ">", since)
    .where("revision", "<=", counter.value)
    .orderBy("revision")
    .limit(limit + 1)
    .execute();
  const revocations = await db
    .selectFrom("revocations")
    .selectAll()
    .where("revision", ">", since)
    .where("revision", "<=", counter.value)
    .orderBy("revision")
    .limit(limit + 1)
    .execute();

  const revisions = [...projects, ...keys, ...revocations].map((row) => row.revision).sort((a, b) => a - b);
  const more = revisions.length > limit;
  const last = more ? (revisions[limit - 1] ?? counter.value) : counter.value;
  const inPage = (row: { revision: number }): boolean => row.revision <= last;
  const livingProjects = projects.filter((row) => inPage(row) && row.deleted === 0);
  const livingKeys = keys.filter((row) => inPage(row) && row.revoked === 0);
  return {
    revision: last,
    more,
    ...(fromBeginning && { fromBeginning }),
    projects: livingProjects.map(projectOf),
    deletedProjects: projects.filter((row) => inPage(row) && row.deleted === 1).map(({ id }) => id),
    keys: livingKeys.map(apiKeyOf),
    revokedKeys: keys.filter((row) => inPage(row) && row.revoked === 1).map(({ id }) => id),
    revocations: revocations.filter(inPage).map(revocationOf),
  };
}

function emptyChange(revision: number): Change {
  return { revision, more: false, projects: [], deletedProjects: [], keys: [], revokedKeys: [], revocations: [] };
}
