import { Elysia } from "elysia";
import { hashApiKey, isApiKey, looksLikeApiKey } from "../credentials/api-key.ts";
import type { ProjectSecret } from "../credentials/credential.ts";
import { jwtVerifier, type VerifyJwt } from "./jwt.ts";
import { unauthorized } from "./problem.ts";
import type { JwtSettings, Services } from "./services.ts";

/** As much of a project as the routes need. */
export interface Project extends ProjectSecret {
  /** Slugs; empty means every region. */
  readonly regions: readonly string[];
}

/** Who calls, proven. */
export interface Caller {
  readonly project: Project;
  /** Whose mints are counted together: the key, or the subject of a JWT. */
  readonly meter: string;
}

/** Routes that use this know their caller by API key alone; everybody else is `unauthorized`, before the body is looked at. */
export const keyCaller = (services: Services) =>
  new Elysia({ name: "key-caller", aot: false, normalize: false }).derive({ as: "scoped" }, ({ request }) => ({
    caller: callerByKey(services, bearerOf(request)),
  }));

/** The same by API key or JWT, in the header or as `?token=`; the header counts if both come. */
export const anyCaller = (services: Services) => {
  const judge = latestVerifier(services);

  return new Elysia({ name: "any-caller", aot: false, normalize: false }).derive({ as: "scoped" }, async ({ request }) => {
    const token = request.headers.has("authorization")
      ? bearerOf(request)
      : (new URL(request.url).searchParams.get("token") ?? "");
    return { caller: looksLikeApiKey(token) ? callerByKey(services, token) : await callerByJwt(services, judge(), token) };
  });
};

function callerByKey({ directory }: Services, token: string): Caller {
  const owner = isApiKey(token) ? directory.projectByKey(hashApiKey(token)) : undefined;
  if (!owner) throw unauthorized();
  return { project: owner.project, meter: owner.key.id };
}

async function callerByJwt({ directory }: Services, verify: VerifyJwt | undefined, token: string): Promise<Caller> {
  const claims = token === "" ? undefined : await verify?.(token);
  const project = claims && directory.projectToMintFor(claims.project);
  if (!claims || !project) throw unauthorized();
  return { project, meter: `jwt ${project.id} ${claims.subject ?? ""}` };
}

/** The token of `Authorization: Bearer …`, whose scheme has no case (RFC 9110 §11.1); empty if there is none. */
function bearerOf(request: Request): string {
  const [, token = ""] = /^Bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  return token;
}

/** The verifier of the settings in force: a reload may replace them, and their keys are kept as long as it does not. */
function latestVerifier(services: Services): () => VerifyJwt | undefined {
  let made: { readonly from: JwtSettings; readonly verify: VerifyJwt } | undefined;

  return () => {
    const { jwt } = services.settings;
    if (jwt === undefined) return undefined;
    if (made?.from !== jwt) made = { from: jwt, verify: jwtVerifier(jwt, services.clock) };
    return made.verify;
  };
}
