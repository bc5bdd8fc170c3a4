import { createPublicKey, type KeyObject } from "node:crypto";
import { type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import type { Clock } from "../lib/time.ts";
import { RemoteKeys } from "./jwks.ts";
import type { JwtSettings } from "./services.ts";

const MAX_OCTETS = 8 * 1024;
const SKEW_SECONDS = 60;

/** What a believed token says. */
export interface Claims {
  /** Whom it speaks for. */
  readonly project: string;
  readonly subject: string | undefined;
}

/** @returns `undefined` for a token that is not believed, for whatever reason */
export type VerifyJwt = (token: string) => Promise<Claims | undefined>;

type Algorithms = readonly string[];

/**
 * Makes the judge of JWTs: signature under a pinned algorithm, issuer, audience, `exp` (which must be there) and `nbf`
 * with 60 s of skew, at most 8 KiB.
 *
 * @throws {Error} if `publicKey` is no key
 */
export function jwtVerifier(settings: JwtSettings, clock: Clock): VerifyJwt {
  const { issuer, audience, project } = settings;
  const { find, algorithms } = keysOf(settings, clock);

  return async (token) => {
    if (token.length > MAX_OCTETS) return undefined;
    const options: JWTVerifyOptions = {
      algorithms: [...algorithms],
      requiredClaims: ["exp"],
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(clock.now().unixMs),
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    };
    try {
      const { payload } = await jwtVerify(token, find, options);
      return claimsOf(payload, project);
    } catch {
      return undefined;
    }
  };
}

function claimsOf({ project: claimed, sub }: JWTPayload, configured: string | undefined): Claims | undefined {
  const project = claimed === undefined ? configured : claimed;
  return typeof project === "string" ? { project, subject: typeof sub === "string" ? sub : undefined } : undefined;
}

/** A shared secret goes with HS256 and nothing else, and HS256 with a shared secret: a public key is no secret. */
function keysOf(settings: JwtSettings, clock: Clock): { find: JWTVerifyGetKey; algorithms: Algorithms } {
  const { jwks, secret, publicKey, algorithms } = settings;
  if (secret) {
    const octets = secret.reveal();
    return { find: async () => octets, algorithms: ["HS256"] };
  }
  const asymmetric = algorithms.filter((algorithm) => /^(RS|PS|ES)\d{3}$|^Ed(DSA|25519)$/.test(algorithm));
  if (publicKey !== undefined) {
    const key: KeyObject = createPublicKey(publicKey);
    return { find: async () => key, algorithms: asymmetric };
  }
  return { find: new RemoteKeys(jwks ?? "", clock).find, algorithms: asymmetric };
}
