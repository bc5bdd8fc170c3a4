import { equalBytes } from "../lib/bytes.ts";
import type { Secret } from "../lib/secret.ts";
import { longTermKey, longTermKeySha256 } from "../stun/integrity.ts";

/** How many keys are remembered. */
const MAX_KEYS = 8192;

interface Entry {
  readonly password: Secret;
  readonly realm: string;
  readonly key: Uint8Array;
}

/** Long-term keys of usernames that have proven their password: a key costs a hash, and a call asks for it a dozen times. */
export class KeyCache {
  readonly #entries = new Map<string, Entry>();

  /** The key of RFC 8489 §9.2.2, MD5 or SHA-256; nothing is remembered for it. */
  keyOf(username: string, realm: string, password: Secret, sha256: boolean): Uint8Array {
    const entry = this.#entries.get(sha256 ? `2 ${username}` : `1 ${username}`);
    if (entry?.realm === realm && isSame(entry.password, password)) return entry.key;
    const make = sha256 ? longTermKeySha256 : longTermKey;
    return make(username, realm, password.revealText());
  }

  /** Remembers a key that was proven right; the one that came first goes when there are too many. */
  remember(username: string, realm: string, password: Secret, sha256: boolean, key: Uint8Array): void {
    const name = sha256 ? `2 ${username}` : `1 ${username}`;
    if (this.#entries.get(name)?.key === key) return;
    const [oldest] = this.#entries.size < MAX_KEYS ? [] : this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(name, { password, realm, key });
  }
}

function isSame(a: Secret, b: Secret): boolean {
  return a === b || equalBytes(a.reveal(), b.reveal());
}
