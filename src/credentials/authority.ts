import { Secret } from "../lib/secret.ts";
import type { Instant } from "../lib/time.ts";
import { type ProjectSecret, parseUsername, passwordOf } from "./credential.ts";
import { CredentialKeys } from "./credential-keys.ts";
import { Generations } from "./generations.ts";

/** What is known of a USERNAME. */
export interface KnownUsername {
  readonly project: string;
  readonly label: string | undefined;
  /** What the client must prove that it has: the `credential` that was minted. */
  readonly password: Secret;
  /** When it expires, as the username says. */
  readonly expiresUnixMs: number;
}

/** The engine's one question about credentials: a map look-up and an HMAC, never a wait. */
export interface Authority {
  /** @returns `undefined` for a malformed username, an unknown project, another region's, or a revoked one. An expired one is known. */
  judge(username: string, now: Instant): KnownUsername | undefined;
}

/** What {@link ProjectAuthority} needs of the directory. */
export interface KnownProjects {
  project(id: string): ProjectSecret | undefined;
  isRevoked(username: string, now: Instant): boolean;
}

const CACHED_KEYS = 4096;
const CACHED_USERNAMES = 8192;

interface Judged {
  /** Of the project, as it was then. */
  readonly secret: Secret;
  readonly known: KnownUsername;
}

/**
 * Answers from the projects of the directory, for one region.
 *
 * A project's key and a username's password are derived once and kept in bounded caches. A project that is deleted or
 * has another secret is found out by asking for it each time; only the arithmetic is saved.
 */
export class ProjectAuthority implements Authority {
  readonly #projects: KnownProjects;
  readonly #region: string;
  readonly #keys = new CredentialKeys(CACHED_KEYS);
  readonly #judged = new Generations<string, Judged>(CACHED_USERNAMES);

  /** @param region the slug of this gateway's region: credentials of others have other passwords */
  constructor(projects: KnownProjects, region: string) {
    this.#projects = projects;
    this.#region = region;
  }

  judge(username: string, now: Instant): KnownUsername | undefined {
    const judged = this.#judged.get(username);
    const parsed = judged?.known ?? parseUsername(username);
    const project = parsed && this.#projects.project(parsed.project);
    if (!parsed || !project || this.#projects.isRevoked(username, now)) return undefined;
    if (judged?.secret === project.secret) return judged.known;

    const { label, expiresUnixMs } = parsed;
    const password = new Secret(passwordOf(this.#keys.of(project, this.#region), username));
    const known = { project: project.id, label, expiresUnixMs, password };
    this.#judged.set(username, { secret: project.secret, known });
    return known;
  }
}
