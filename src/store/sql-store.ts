import type { Kysely, Transaction } from "kysely";
import { toHex } from "../lib/bytes.ts";
import type { Random } from "../lib/random.ts";
import { Secret } from "../lib/secret.ts";
import { changesSince } from "./changes.ts";
import { apiKeyOf, gatewayOf, projectOf } from "./rows.ts";
import type { Schema } from "./schema.ts";
import type { ApiKey, Change, Gateway, Project, Revocation, Store } from "./store.ts";

const SECRET_OCTETS = 32;
const ID_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 12; // 62 bits: no two by chance, and the primary key sees to it
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What has ended is not forgotten at once: a clock that was an hour fast may be set right. */
const REMEMBERED_MS = 2 * HOUR_MS;
const MINUTE_MS = 60_000;

/** What a database brings beside its queries. */
export interface SqlStoreOptions {
  readonly random: Random;
  /** Wall clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** Puts the driver's error in our words: {@link StoreBusy}, or itself. */
  readonly translate: (error: unknown) => unknown;
  /**
   * What is another whenever somebody beside this store may have written, where that is cheaper to know than to ask.
   *
   * @throws what {@link translate} takes
   */
  readonly version?: () => string;
}

/**
 * The store in SQL that both databases speak.
 *
 * Whatever changes a decision raises the revision in the same transaction, and gives the new number to exactly one
 * row; the counter's row is written first, so writers queue up there and revisions appear in their order.
 */
export class SqlStore implements Store {
  readonly #db: Kysely<Schema>;
  readonly #options: SqlStoreOptions;
  /** Changes of our own. */
  #changes = 0;
  #cleanedUnixMs = 0;

  constructor(db: Kysely<Schema>, options: SqlStoreOptions) {
    this.#db = db;
    this.#options = options;
  }

  createProject({ name, regions }: { name: string; regions: readonly string[] }): Promise<Project> {
    const project = { id: this.#newId("project_"), name, regions, secret: new Secret(this.#options.random.bytes(SECRET_OCTETS)) };
    const row = {
      id: project.id,
      name,
      regions: JSON.stringify(regions),
      secret: toHex(project.secret.reveal()),
      created_ms: this.#options.now(),
      deleted: 0,
    };
    return this.#change(async (transaction, revision) => {
      await transaction
        .insertInto("projects")
        .values({ ...row, revision })
        .execute();
      return project;
    });
  }

  project(id: string): Promise<Project | undefined> {
    return this.#run(async () => {
      const row = await this.#liveProjects().where("id", "=", id).executeTakeFirst();
      return row && projectOf(row);
    });
  }

  projects(): Promise<readonly Project[]> {
    return this.#run(async () => (await this.#liveProjects().orderBy("created_ms").orderBy("id").execute()).map(projectOf));
  }

  updateProject(id: string, { name, regions }: { name?: string; regions?: readonly string[] }): Promise<Project | undefined> {
    return this.#change(async (transaction, revision) => {
      const row = await transaction
        .updateTable("projects")
        .set({ revision, ...(name !== undefined && { name }), ...(regions && { regions: JSON.stringify(regions) }) })
        .where("id", "=", id)
        .where("deleted", "=", 0)
        .returningAll()
        .executeTakeFirst();
      return row && projectOf(row);
    });
  }

  deleteProject(id: string): Promise<boolean> {
    return this.#change(async (transaction, revision) => {
      const { numUpdatedRows } = await transaction
        .updateTable("projects")
        .set({ deleted: 1, secret: "", revision })
        .where("id", "=", id)
        .where("deleted", "=", 0)
        .executeTakeFirst();
      await transaction.deleteFrom("api_keys").where("project", "=", id).execute();
      return numUpdatedRows > 0n;
    });
  }

  createKey({ project, name, hash }: { project: string; name: string | undefined; hash: string }): Promise<ApiKey> {
    const key = { id: this.#newId("key_"), project, name, hash, createdUnixMs: this.#options.now() };
    const row = { id: key.id, project, name: name ?? null, hash, created_ms: key.createdUnixMs, revoked: 0 };
    return this.#change(async (transaction, revision) => {
      const owner = transaction.selectFrom("projects").select("id").where("id", "=", project).where("deleted", "=", 0);
      if (!(await owner.executeTakeFirst())) throw new RangeError(`There is no project "${project}"`);
      await transaction
        .insertInto("api_keys")
        .values({ ...row, revision })
        .execute();
      return key;
    });
  }

  keys(project: string): Promise<readonly ApiKey[]> {
    return this.#run(async () => {
      const live = this.#db.selectFrom("api_keys").selectAll().where("project", "=", project).where("revoked", "=", 0);
      return (await live.orderBy("created_ms").orderBy("id").execute()).map(apiKeyOf);
    });
  }

  revokeKey(id: string): Promise<boolean> {
    return this.#change(async (transaction, revision) => {
      const { numUpdatedRows } = await transaction
        .updateTable("api_keys")
        .set({ revoked: 1, revision })
        .where("id", "=", id)
        .where("revoked", "=", 0)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  revoke({ username, expiresUnixMs }: Revocation): Promise<void> {
    const expires_ms = Math.max(expiresUnixMs, this.#options.now()) + REMEMBERED_MS;
    return this.#change(async (transaction, revision) => {
      await transaction
        .insertInto("revocations")
        .values({ username, expires_ms, revision })
        .onConflict((conflict) => conflict.column("username").doUpdateSet({ expires_ms, revision }))
        .execute();
    });
  }

  changesSince(revision: number, limit: number): Promise<Change> {
    return this.#run(() => changesSince(this.#db, revision, limit));
  }

  version(): string | undefined {
    const { version, translate } = this.#options;
    try {
      return version && `${version()}:${this.#changes}`;
    } catch (error) {
      throw translate(error);
    }
  }

  announce({ id, region, endpoints, draining, heartbeatUnixMs }: Gateway): Promise<void> {
    const now = this.#options.now();
    const cleans = Math.abs(now - this.#cleanedUnixMs) >= MINUTE_MS;
    const row = { region, endpoints: JSON.stringify(endpoints), draining: draining ? 1 : 0, heartbeat_ms: heartbeatUnixMs };
    return this.#transaction(async (transaction) => {
      await transaction
        .insertInto("gateways")
        .values({ id, ...row })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
        .execute();
      if (!cleans) return;
      await transaction
        .deleteFrom("gateways")
        .where("heartbeat_ms", "<", now - DAY_MS)
        .execute();
      await transaction.deleteFrom("revocations").where("expires_ms", "<", now).execute();
      this.#cleanedUnixMs = now;
    });
  }

  withdraw(gatewayId: string): Promise<void> {
    return this.#run(async () => {
      await this.#db.deleteFrom("gateways").where("id", "=", gatewayId).execute();
    });
  }

  gateways(sinceUnixMs: number): Promise<readonly Gateway[]> {
    return this.#run(async () => {
      const rows = this.#db.selectFrom("gateways").selectAll().where("heartbeat_ms", ">=", sinceUnixMs).orderBy("id");
      return (await rows.execute()).map(gatewayOf);
    });
  }

  close(): Promise<void> {
    return this.#db.destroy();
  }

  #liveProjects() {
    return this.#db.selectFrom("projects").selectAll().where("deleted", "=", 0);
  }

  #newId(prefix: string): string {
    let id = prefix;
    for (let i = 0; i < ID_LENGTH; i++) id += ID_ALPHABET[this.#options.random.below(ID_ALPHABET.length)];
    return id;
  }

  /** One transaction under the next revision. */
  #change<T>(work: (transaction: Transaction<Schema>, revision: number) => Promise<T>): Promise<T> {
    const changed = this.#transaction(async (transaction) => {
      const { value } = await transaction
        .updateTable("counter")
        .set((row) => ({ value: row("value", "+", 1) }))
        .where("name", "=", "revision")
        .returning("value")
        .executeTakeFirstOrThrow();
      return work(transaction, value);
    });
    return changed.finally(() => this.#changes++);
  }

  #transaction<T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
    return this.#run(() => this.#db.transaction().execute(work));
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#options.translate(error);
    }
  }
}
