import type { Secret } from "../lib/secret.ts";
import { type CredentialKey, credentialKey, type ProjectSecret } from "./credential.ts";
import { Generations } from "./generations.ts";

/** Keys of projects in regions, derived once while they are in use: HKDF costs ten times what a mint does. */
export class CredentialKeys {
  readonly #kept: Generations<string, { readonly from: Secret; readonly key: CredentialKey }>;

  /** @param limit how many a generation holds ({@link Generations}) */
  constructor(limit: number) {
    this.#kept = new Generations(limit);
  }

  /** The key; another one as soon as the project has another secret. */
  of(project: ProjectSecret, region: string): CredentialKey {
    const name = `${project.id} ${region}`;
    const kept = this.#kept.get(name);
    if (kept?.from === project.secret) return kept.key;
    const key = credentialKey(project, region);
    this.#kept.set(name, { from: project.secret, key });
    return key;
  }
}
