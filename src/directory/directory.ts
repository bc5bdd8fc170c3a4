import { Deadlines } from "../lib/deadlines.ts";
import { Secret } from "../lib/secret.ts";
import type { Instant } from "../lib/time.ts";
import type { ApiKey, Change, Project } from "../store/store.ts";

/** The database as a value: what a thread knows of projects, keys and revocations, by the last change it heard of. */
export class Directory {
  readonly #projects = new Map<string, Project>();
  readonly #keys = new Map<string, ApiKey>();
  readonly #hashes = new Map<string, string>();
  #revocations = new Deadlines<string>();
  #revision = 0;

  /** The revision of the last change; 0 before the first. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Takes in a change. A key may come before its project: the pages of the beginning are in the order of revisions.
   */
  apply(change: Change): void {
    if (change.fromBeginning) this.#clear();
    for (const project of change.projects) this.#projects.set(project.id, project);
    for (const key of change.keys) {
      this.#keys.set(key.hash, key);
      this.#hashes.set(key.id, key.hash);
    }
    for (const id of change.revokedKeys) this.#forgetKey(id);
    if (change.deletedProjects.length > 0) this.#forgetProjects(new Set(change.deletedProjects));
    for (const { username, expiresUnixMs } of change.revocations) this.#revocations.set(username, expiresUnixMs);
    this.#revision = change.revision;
  }

  /** Who owns the key with this hash; `undefined` if nobody does. */
  projectByKey(hash: string): { readonly key: ApiKey; readonly project: Project } | undefined {
    const key = this.#keys.get(hash);
    const project = key && this.#projects.get(key.project);
    return key && project && { key, project };
  }

  /** The project with this id, unless it was deleted. */
  project(id: string): Project | undefined {
    return this.#projects.get(id);
  }

  /** Whether a credential was ended before its time; forgotten once it would have expired anyway. */
  isRevoked(username: string, now: Instant): boolean {
    while (this.#revocations.take(now.unixMs) !== undefined);
    return this.#revocations.of(username) !== undefined;
  }

  #forgetKey(id: string): void {
    this.#keys.delete(this.#hashes.get(id) ?? "");
    this.#hashes.delete(id);
  }

  #forgetProjects(gone: ReadonlySet<string>): void {
    for (const id of gone) this.#projects.delete(id);
    for (const { id, project } of this.#keys.values()) if (gone.has(project)) this.#forgetKey(id);
  }

  #clear(): void {
    this.#projects.clear();
    this.#keys.clear();
    this.#hashes.clear();
    this.#revocations = new Deadlines();
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
