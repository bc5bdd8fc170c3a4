import type { Endpoints } from "../credentials/endpoints.ts";
import type { Secret } from "../lib/secret.ts";

/** Whoever has API keys: a customer, a product, a stage. */
export interface Project {
  /** `project_` and lower-case letters and digits. */
  readonly id: string;
  readonly name: string;
  /** Slugs; empty means every region. */
  readonly regions: readonly string[];
  /** 32 random octets: all credentials derive from them. */
  readonly secret: Secret;
}

/** An API key, of which only the hash is kept. */
export interface ApiKey {
  readonly id: string;
  readonly project: string;
  readonly name: string | undefined;
  /** SHA-256 of the key's text, in hexadecimal. */
  readonly hash: string;
  readonly createdUnixMs: number;
}

/** A credential that ended before its time; forgotten when it would long have expired anyway. */
export interface Revocation {
  readonly username: string;
  /** When the credential expires; of one that was read, when it is forgotten. */
  readonly expiresUnixMs: number;
}

/** A running gateway's own row. */
export interface Gateway {
  /** Fresh at each start. */
  readonly id: string;
  readonly region: string;
  readonly endpoints: Endpoints;
  readonly draining: boolean;
  readonly heartbeatUnixMs: number;
}

/** What changed since a revision, or the beginning of it. JSON can carry it, but for {@link Secret}. */
export interface Change {
  /** The revision this change leads to. */
  readonly revision: number;
  /** More rows wait above `revision`: ask again at once. */
  readonly more: boolean;
  /** This is where everything begins: what was known before counts no more. */
  readonly fromBeginning?: boolean;
  readonly projects: readonly Project[];
  readonly deletedProjects: readonly string[];
  readonly keys: readonly ApiKey[];
  readonly revokedKeys: readonly string[];
  readonly revocations: readonly Revocation[];
}

/**
 * The database. Every operation is one transaction.
 *
 * @throws {StoreBusy} when another writer held the database too long: try again later
 */
export interface Store {
  createProject(project: { name: string; regions: readonly string[] }): Promise<Project>;
  project(id: string): Promise<Project | undefined>;
  projects(): Promise<readonly Project[]>;
  /** @returns the project as it is then, or `undefined` if there is none */
  updateProject(id: string, change: { name?: string; regions?: readonly string[] }): Promise<Project | undefined>;
  /** Deletes it with its keys. @returns whether there was one */
  deleteProject(id: string): Promise<boolean>;

  /** @throws {RangeError} if there is no such project */
  createKey(key: { project: string; name: string | undefined; hash: string }): Promise<ApiKey>;
  keys(project: string): Promise<readonly ApiKey[]>;
  /** @returns whether there was one */
  revokeKey(id: string): Promise<boolean>;

  /**
   * Kept until two hours after it has expired, or after now: so that every gateway hears of it and ends what lives on,
   * and that no clock which is set back brings the credential to life.
   */
  revoke(revocation: Revocation): Promise<void>;

  /**
   * At most `limit` rows with a revision above the given one, oldest first. Revision 0 begins with everything, and so
   * does one that the database never reached: it was restored from an older copy.
   */
  changesSince(revision: number, limit: number): Promise<Change>;

  /**
   * What is another whenever something may have been written since, but for our own {@link announce}: told without a query,
   * or `undefined` where it takes one. Asked before reading, so that what is written meanwhile is read the next time.
   *
   * @throws {StoreBusy | StoreGone}
   */
  version(): string | undefined;

  /**
   * Writes this gateway's own row; raises no revision. Once a minute it also forgets revocations that have ended and
   * the rows of gateways that were last heard of a day ago.
   */
  announce(gateway: Gateway): Promise<void>;
  withdraw(gatewayId: string): Promise<void>;
  /** All rows whose heartbeat is not older. */
  gateways(sinceUnixMs: number): Promise<readonly Gateway[]>;

  close(): Promise<void>;
}

/** The database did not answer in time. */
export class StoreBusy extends Error {
  override readonly name = "StoreBusy";
}

/** The file of the database went away under us, or another one took its place without our tables. */
export class StoreGone extends Error {
  override readonly name = "StoreGone";
}

/** There is no database where we looked, and it was not asked for one to be made. */
export class StoreMissing extends Error {
  override readonly name = "StoreMissing";
}
