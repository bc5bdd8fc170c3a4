import { type ArrayOptions, type Static, type TSchema, Type } from "@sinclair/typebox";
import { isLabel, parseUsername } from "../credentials/credential.ts";
import { Problem, problemCodes } from "./problem.ts";

const closed = { additionalProperties: false };

/** An array that nobody changes. */
const list = <T extends TSchema>(items: T, options: ArrayOptions = {}) =>
  Type.Unsafe<readonly Static<T>[]>(Type.Array(items, options));

/** Shape here, meaning below: a string for a `ttl` is `invalid_body`, a `ttl` of -1 is `invalid_ttl`. */
export const MintRequest = Type.Object(
  {
    ttl: Type.Optional(Type.Number({ description: "Lifetime in whole seconds.", examples: [3600] })),
    region: Type.Optional(Type.String({ description: "Slug of a region enabled on the project.", examples: ["eu-central"] })),
    label: Type.Optional(
      Type.String({ description: "Whom this credential is for, `[A-Za-z0-9._@-]{1,128}`; the third part of the username." }),
    ),
    transports: Type.Optional(
      Type.Array(Type.Union([Type.Literal("udp"), Type.Literal("tcp"), Type.Literal("tls")]), {
        minItems: 1,
        description: "Only the URLs of these.",
      }),
    ),
  },
  closed,
);

/** Which credential to end. */
export const RevokeRequest = Type.Object(
  { username: Type.String({ description: "The `username` of the credential.", examples: ["1718200000:project_ab12:ann"] }) },
  closed,
);

export const IceServer = Type.Object({
  urls: list(Type.String()),
  username: Type.Optional(Type.String()),
  credential: Type.Optional(Type.String()),
});

export const MintAnswer = Type.Object({
  username: Type.String({ description: "`<unix-expiry>:<project>`, with `:<label>` behind it if one was asked for." }),
  credential: Type.String({ description: "The ephemeral credential that belongs to `username`." }),
  ttl: Type.Integer({ description: "Seconds the credential remains valid from issue." }),
  region: Type.String({ description: "The region whose gateways accept it." }),
  iceServers: list(IceServer, { description: "Drop-in array for RTCPeerConnection." }),
});

export const IceServersAnswer = Type.Object({
  iceServers: list(IceServer, { description: "STUN and TURN servers for the client to use." }),
});

export const RegionsAnswer = Type.Object({
  regions: list(
    Type.Object({
      slug: Type.String(),
      location: Type.String(),
      available: Type.Boolean({ description: "Whether a gateway serves it now." }),
    }),
  ),
});

export const HealthAnswer = Type.Object({ status: Type.Literal("ok") });

export const ReadyAnswer = Type.Object({
  status: Type.Union([Type.Literal("ready"), Type.Literal("degraded"), Type.Literal("draining"), Type.Literal("starting")]),
  problems: list(Type.Object({ code: Type.String(), detail: Type.String() })),
});

export const ProblemAnswer = Type.Object({
  type: Type.String({ format: "uri-reference" }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.Union(
    problemCodes.map(({ code }) => Type.Literal(code)),
    { description: "Stable; branch on this." },
  ),
});

/** The shapes by name, for the description of the API. */
export const schemas: Readonly<Record<string, TSchema>> = {
  MintRequest,
  RevokeRequest,
  IceServer,
  MintAnswer,
  IceServersAnswer,
  RegionsAnswer,
  HealthAnswer,
  ReadyAnswer,
  Problem: ProblemAnswer,
};

/** @throws {Problem} unless it is a whole number from 1 to the longest; it is never clamped */
export function checkTtl(ttl: number, maxTtl: number): void {
  if (Number.isInteger(ttl) && ttl >= 1 && ttl <= maxTtl) return;
  throw new Problem("invalid_ttl", `"ttl" is a whole number of seconds from 1 to ${maxTtl}`);
}

/** @throws {Problem} if there is a label, and it is none */
export function checkLabel(label: string | undefined): void {
  if (label === undefined || isLabel(label)) return;
  throw new Problem("invalid_label", '"label" is 1 to 128 of the characters A-Z a-z 0-9 . _ @ -');
}

/** @throws {Problem} unless it is a username of the project */
export function checkUsername(username: string, project: string): { username: string; expiresUnixMs: number } {
  const parsed = parseUsername(username);
  if (!parsed) throw new Problem("invalid_body", '"username" is <unix-expiry>:<project>, with :<label> behind it if it has one');
  if (parsed.project !== project) throw new Problem("not_found", "This project has no such credential");
  return { username, expiresUnixMs: parsed.expiresUnixMs };
}
