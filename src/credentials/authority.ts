import type { Instant } from "../lib/time.ts";
import type { Secret } from "../lib/secret.ts";

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
