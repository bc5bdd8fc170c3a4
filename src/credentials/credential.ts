import { createHmac, hkdfSync } from "node:crypto";
import { Secret } from "../lib/secret.ts";
import type { Instant } from "../lib/time.ts";

/** One pair that a browser gives to its ICE agent. */
export interface Credential {
  readonly username: string;
  readonly credential: string;
  /** Seconds from the minting. */
  readonly ttl: number;
}

/** What credentials of one project in one region are signed with. */
export interface CredentialKey {
  readonly project: string;
  readonly secret: Secret;
}

/** As much of a project as its keys derive from. */
export interface ProjectSecret {
  readonly id: string;
  /** 32 random octets. */
  readonly secret: Secret;
}

/** What a username says of itself; nothing of it is proven. */
export interface ParsedUsername {
  readonly project: string;
  readonly label: string | undefined;
  readonly expiresUnixMs: number;
}

const KEY_OCTETS = 32;
const USERNAME = /^([1-9]\d{0,10}):(project_[a-z0-9]{1,64})(?::([A-Za-z0-9._@-]{1,128}))?$/;
const LABEL = /^[A-Za-z0-9._@-]{1,128}$/;

/**
 * Mints a credential that every gateway of one region accepts until it expires.
 *
 * Nothing is stored. The username carries expiry, project and label; the password is its HMAC-SHA1 under the key of
 * that project in that region, so that a relay checks it with what it already holds. Two mints of one second, `ttl`
 * and label are the same pair.
 *
 * @param key the project's key for the region ({@link credentialKey})
 * @param ttl lifetime in whole seconds, 1 or more; the caller has held it to `credentials.max_ttl`
 * @param label whom it is for ({@link isLabel}); the caller has checked it
 * @param now the moment of minting; its wall clock counts, rounded up to a whole second
 * @returns `username` as `<unix-expiry>:<project id>[:<label>]`, `credential` as 28 characters of base64, and the
 *   `ttl` as given
 * @throws {RangeError} if `ttl` is not a whole number of seconds, or below 1
 * @see RFC 8489 §9.2 for what a client does with the pair
 *
 * @example
 * ```ts
 * mint(credentialKey(project, "eu-central"), { ttl: 3600 }, clock.now()).username; // "1718200000:project_ab12"
 * ```
 */
export function mint(key: CredentialKey, { ttl, label }: { ttl: number; label?: string | undefined }, now: Instant): Credential {
  if (!Number.isInteger(ttl) || ttl < 1) throw new RangeError(`ttl is ${ttl}, not a whole number of seconds`);
  const username = `${Math.ceil(now.unixMs / 1000) + ttl}:${key.project}${label === undefined ? "" : `:${label}`}`;
  return { username, credential: passwordOf(key, username), ttl };
}

/** The `credential` that belongs to a username: base64 of its HMAC-SHA1. */
export function passwordOf(key: CredentialKey, username: string): string {
  return createHmac("sha1", key.secret.reveal()).update(username).digest("base64");
}

/**
 * The key of a project in a region: HKDF-SHA256 (RFC 5869), empty salt, info `icebreaker credential 1 <region>`,
 * 32 octets. The same for ever, for all gateways of a region must find the same.
 */
export function credentialKey(project: ProjectSecret, region: string): CredentialKey {
  const octets = hkdfSync("sha256", project.secret.reveal(), "", `icebreaker credential 1 ${region}`, KEY_OCTETS);
  return { project: project.id, secret: new Secret(new Uint8Array(octets)) };
}

/** Reads `<unix-expiry>:<project id>[:<label>]`; `undefined` for anything else. */
export function parseUsername(username: string): ParsedUsername | undefined {
  const [, seconds, project, label] = USERNAME.exec(username) ?? [];
  if (seconds === undefined || project === undefined) return undefined;
  return { project, label, expiresUnixMs: Number(seconds) * 1000 };
}

/** Whether a text may be a label: `[A-Za-z0-9._@-]{1,128}`. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}
