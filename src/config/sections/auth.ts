import { type StaticDecode, Type } from "@sinclair/typebox";
import type { Complaint } from "../complain.ts";
import { oneOf, PathText, SecretText, Text, WebUrlText } from "../formats.ts";
import { closed } from "./closed.ts";

const LEAST_SECRET_OCTETS = 32; // RFC 7518 §3.2

const Algorithm = oneOf(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256"]);

const JwtSection = Type.Object(
  {
    issuer: Type.Optional(
      Text({ example: "https://id.example.com", description: "What the claim `iss` must be. Unset: it is not looked at." }),
    ),
    audience: Type.Optional(
      Text({ example: "icebreaker", description: "What the claim `aud` must be or hold. Unset: it is not looked at." }),
    ),
    algorithms: Type.Optional(
      Type.Array(Algorithm, {
        example: ["RS256", "ES256"],
        minItems: 1,
        description: 'Pinned; "none" never. Unset: RS256 and ES256, or HS256 where `secret` is set.',
      }),
    ),
    jwks: Type.Optional(
      WebUrlText({ example: "https://id.example.com/.well-known/jwks.json", description: "Where the issuer's public keys are." }),
    ),
    secret: Type.Optional(
      SecretText({ description: "Instead of `jwks`: what issuer and gateway share (HS256), 32 octets or more." }),
    ),
    public_key: Type.Optional(
      PathText({ example: "/path.pem", description: "Instead of `jwks`: the issuer's public key, in PEM." }),
    ),
    project: Type.Optional(
      Text({ example: "project_ab12", description: "Whom a token speaks for, unless its claim `project` says." }),
    ),
  },
  {
    ...closed,
    description: 'For `GET /api/v1/ice-servers`. Absent: JWTs are refused, API keys ("connector tokens") still work.',
  },
);

/** `[auth]`, which holds `[auth.jwt]` alone. */
export const AuthSection = Type.Object({ jwt: Type.Optional(JwtSection) }, closed);

export type AuthSection = StaticDecode<typeof AuthSection>;

/** One way to check a signature, and algorithms that fit it: a public key taken for a shared secret opens every door. */
export function* authComplaints({ jwt }: AuthSection): Generator<Complaint> {
  if (jwt === undefined) return;
  const ways = (["jwks", "secret", "public_key"] as const).filter((way) => jwt[way] !== undefined);
  if (ways.length !== 1) {
    const problem = ways.length === 0 ? "has no key to check signatures with" : `has ${ways.join(" and ")}`;
    yield { key: "auth.jwt", problem, remedy: "set one of jwks, secret and public_key" };
    return;
  }
  const shared = jwt.secret !== undefined;
  const unfit = (jwt.algorithms ?? []).find((algorithm) => algorithm.startsWith("HS") !== shared);
  if (unfit !== undefined) {
    const remedy = shared ? 'with auth.jwt.secret only "HS256" is safe' : '"HS256" goes with auth.jwt.secret alone';
    yield { key: "auth.jwt.algorithms", problem: `has ${unfit}, which does not fit auth.jwt.${ways[0]}`, remedy };
  }
  if (jwt.secret !== undefined && jwt.secret.reveal().length < LEAST_SECRET_OCTETS) {
    yield { key: "auth.jwt.secret", problem: "is too short to resist guessing", remedy: "take 32 random octets or more" };
  }
}
