import { Deadlines, NO_DEADLINE, type Timed } from "../lib/deadlines.ts";
import { Secret } from "../lib/secret.ts";
import type { Instant } from "../lib/time.ts";
import type { ApiKey, Change, Project } from "../store/store.ts";

/** What may be minted with, and whom for, from now on: every thread knows the projects. */
export interface Newcomers {
  readonly keys: readonly ApiKey[];
  readonly projects: readonly string[];
}

/** A credential that was ended before its time; in Unix milliseconds. */
interface Revoked extends Timed {
  readonly username: string;
}

/**
 * The database as a value: what a thread knows of projects, keys and revocations, by the last change it heard of.
 *
 * A project is known twice: credentials of it are verified as soon as one hears of it, and are minted when all who
 * verify have heard of it, so that nobody is refused with what was minted a moment ago.
 */
export class Directory {
  readonly #admitted = new Set<string>();
  readonly #projects = new Map<string, Project>();
  readonly #keys = new Map<string, ApiKey>();
  readonly #hashes = new Map<string, string>();
  readonly #revocations = new Map<string, Revoked>();
  #ends = new Deadlines<Revoked>();
  #revision = 0;

  /** The revision of the last change; 0 before the first. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Takes in a change, but for what {@link admit} is to be told: new keys, and that projects may be minted for.
   */
  apply(change: Change): void {
    if (change.fromBeginning) this.#clear();
    for (const project of change.projects) this.#projects.set(project.id, project);
    for (const id of change.revokedKeys) this.#forgetKey(id);
    if (change.deletedProjects.length > 0) this.#forgetProjects(new Set(change.deletedProjects));
    for (const { username, expiresUnixMs } of change.revocations) this.#revoke(username, expiresUnixMs);
    this.#revision = change.revision;
  }

  /** Takes in keys, and that projects may be minted for. A key may come before its project: revisions give the order. */
  admit({ keys, projects }: Newcomers): void {
    for (const key of keys) {
      this.#keys.set(key.hash, key);
      this.#hashes.set(key.id, key.hash);
    }
    for (const id of projects) this.#admitted.add(id);
  }

  /** Who owns the key with this hash; `undefined` if nobody does. */
  projectByKey(hash: string): { readonly key: ApiKey; readonly project: Project } | undefined {
    const key = this.#keys.get(hash);
    const project = key && this.projectToMintFor(key.project);
    return key && project && { key, project };
  }

  /** The project with this id, if what is minted for it can be used at once. */
  projectToMintFor(id: string): Project | undefined {
    return this.#admitted.has(id) ? this.#projects.get(id) : undefined;
  }

  /** The project with this id, unless it was deleted. */
  project(id: string): Project | undefined {
    return this.#projects.get(id);
  }

  /** Whether a credential was ended before its time; forgotten once it would have expired anyway. */
  isRevoked(username: string, now: Instant): boolean {
    for (let over = this.#ends.take(now.unixMs); over !== undefined; over = this.#ends.take(now.unixMs)) {
      this.#revocations.delete(over.username);
    }
    return this.#revocations.has(username);
  }

  #revoke(username: string, untilUnixMs: number): void {
    const revoked = this.#revocations.get(username) ?? { username, dueMs: NO_DEADLINE };
    this.#revocations.set(username, revoked);
    this.#ends.set(revoked, untilUnixMs);
  }

  #forgetKey(id: string): void {
    this.#keys.delete(this.#hashes.get(id) ?? "");
    this.#hashes.delete(id);
  }

  #forgetProjects(gone: ReadonlySet<string>): void {
    for (const id of gone) {
      this.#projects.delete(id);
      this.#admitted.delete(id);
    }
    for (const { id, project } of this.#keys.values()) if (gone.has(project)) this.#forgetKey(id);
  }

  #clear(): void {
    this.#projects.clear();
    this.#keys.clear();
    this.#hashes.clear();
    this.#admitted.clear();
    this.#revocations.clear();
    this.#ends = new Deadlines();
  }
}

/** A change as a text for another thread: cheaper to send than a cloned object. It holds the projects' secrets. */
export function encodeChange(change: Change): string {
  const projects = change.projects.map((project) => ({
    ...project,
    secret: Buffer.from(project.secret.reveal()).toString("base64"),
  }));
  return JSON.stringify({ ...change, projects });
}

/** The change that {@link encodeChange} made a text of. */
export function decodeChange(text: string): Change {
  const change: Omit<Change, "projects"> & { projects: readonly EncodedProject[] } = JSON.parse(text);
  const projects = change.projects.map((project) => ({ ...project, secret: new Secret(Buffer.from(project.secret, "base64")) }));
  return { ...change, projects };
}

interface EncodedProject extends Omit<Project, "secret"> {
  readonly secret: string;
}
