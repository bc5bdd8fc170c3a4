import { equalBytes } from "../lib/bytes.ts";
import type { Secret } from "../lib/secret.ts";
import { longTermKey, longTermKeySha256 } from "../stun/integrity.ts";

/** How many keys of a kind are remembered. */
const MAX_KEYS = 8192;

interface Entry {
  readonly username: string;
  readonly password: Secret;
  readonly realm: string;
  readonly key: Uint8Array;
}

/** Long-term keys of usernames that have proven their password: a key costs a hash, and a call asks for it a dozen times. */
export class KeyCache {
  /** By username: keys made with MD5, and with SHA-256. */
  readonly #md5 = new Map<string, Entry>();
  readonly #sha256 = new Map<string, Entry>();

  /** The key of RFC 8489 §9.2.2, MD5 or SHA-256; nothing is remembered for it. */
  keyOf(username: string, realm: string, password: Secret, sha256: boolean): Uint8Array {
    const entry = (sha256 ? this.#sha256 : this.#md5).get(username);
    if (entry?.realm === realm && isSame(entry.password, password)) return entry.key;
    const make = sha256 ? longTermKeySha256 : longTermKey;
    return make(username, realm, password.revealText());
  }

  /**
   * Remembers a key that was proven right; the one that came first goes when there are too many.
   *
   * @returns the username as it is remembered: a person's allocations need one string of it, not one each
   */
  remember(username: string, realm: string, password: Secret, sha256: boolean, key: Uint8Array): string {
    const entries = sha256 ? this.#sha256 : this.#md5;
    const before = entries.get(username);
    if (before?.key === key) return before.username;
    const [oldest] = entries.size < MAX_KEYS ? [] : entries.keys();
    if (oldest !== undefined) entries.delete(oldest);
    entries.set(username, { username, password, realm, key });
    return username;
  }
}

function isSame(a: Secret, b: Secret): boolean {
  return a === b || equalBytes(a.reveal(), b.reveal());
}
