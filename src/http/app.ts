import { Elysia, ValidationError } from "elysia";
import { CredentialKeys } from "../credentials/credential-keys.ts";
import { bounded, Unreadable } from "./body.ts";
import { corsHeaders, preflightHeaders } from "./cors.ts";
import { Problem, problemResponse } from "./problem.ts";
import { credentials } from "./routes/credentials.ts";
import { health } from "./routes/health.ts";
import { ICE_SERVERS_PATH, iceServers } from "./routes/ice-servers.ts";
import { metrics } from "./routes/metrics.ts";
import { pages } from "./routes/pages.ts";
import { regions } from "./routes/regions.ts";
import { revoke } from "./routes/revoke.ts";
import type { Services } from "./services.ts";

/** The API as a function: whoever has sockets brings the requests. */
export interface App {
  /** Answers any request. Never rejects: a mistake of ours is the problem `internal`. */
  fetch(request: Request, caller: { readonly address: string }): Promise<Response>;
}

const CACHED_KEYS = 4096;

/**
 * Makes the API.
 *
 * The order of things is here: an id; whether there is such a path and method; the body, bounded; then Elysia, which
 * asks who calls, checks the shape and runs the route; and on the way back the headers that every answer has.
 */
export function createApp(services: Services): App {
  const routes = new Routes(services);

  return {
    async fetch(request, { address }) {
      const id = services.newRequestId();
      const { pathname } = new URL(request.url);
      const cors = pathname === ICE_SERVERS_PATH ? corsHeaders(request.headers.get("origin"), services.settings.corsOrigins) : {};
      const preflight = request.method === "OPTIONS" && Object.keys(cors).length > 0;
      const headers = { ...cors, ...(preflight && preflightHeaders), "x-request-id": id, "x-content-type-options": "nosniff" };
      try {
        const answer = preflight ? new Response(null, { status: 204 }) : await routes.answer(request, pathname);
        return await finished(answer, request.method, headers);
      } catch (error) {
        const problem = asProblem(error);
        if (problem.code === "internal") {
          services.log.error({ err: loggable(error), request: id, path: pathname }, "The API failed");
          services.log.debug({ request: id, client: address }, "That request came from here");
        }
        return finished(problemResponse(problem), request.method, headers);
      }
    },
  };
}

/** Elysia with every route, and what it does not do itself: 405, HEAD, bounded bodies, failures as they were thrown. */
class Routes {
  readonly #elysia: Elysia;
  readonly #methods = new Map<string, string[]>();
  readonly #failures = new WeakMap<Request, unknown>();

  /** `aot` is off because the executable forbids to make code of strings, `normalize` because it would drop unknown keys. */
  constructor(services: Services) {
    this.#elysia = new Elysia({ aot: false, normalize: false, strictPath: true });
    this.#elysia.onError(({ error, request }) => {
      this.#failures.set(request, error);
      return new Response(null, { status: 500 });
    });
    if (services.metricsRoutes) {
      this.#elysia.use(metrics(services)).use(health(services));
    } else {
      const keys = new CredentialKeys(CACHED_KEYS);
      this.#elysia.use(credentials(services, keys)).use(revoke(services)).use(iceServers(services, keys));
      this.#elysia.use(regions(services)).use(health(services)).use(pages(services));
    }
    for (const { path, method } of this.#elysia.routes) {
      const methods = method === "GET" ? ["GET", "HEAD"] : [method];
      this.#methods.set(path, [...(this.#methods.get(path) ?? []), ...methods]);
    }
  }

  /** @throws {Problem} for what no route answers, and whatever a route throws */
  async answer(request: Request, pathname: string): Promise<Response> {
    const methods = this.#methods.get(pathname);
    if (!methods) throw new Problem("not_found", "There is nothing at this path");
    if (!methods.includes(request.method)) {
      throw new Problem("method_not_allowed", `This path answers ${methods.join(", ")}`, { allow: methods.join(", ") });
    }
    const inside = await bounded(request);
    const answer = await this.#elysia.fetch(inside);
    if (this.#failures.has(inside)) throw this.#failures.get(inside);
    return answer;
  }
}

/** Adds the headers of every answer; that to a HEAD has the length of what it does not send. */
async function finished(answer: Response, method: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
  if (method !== "HEAD") return answer;
  answer.headers.set("content-length", `${(await answer.arrayBuffer()).byteLength}`);
  return new Response(null, { status: answer.status, headers: answer.headers });
}

/** What a caller is told of a failure: of ours, nothing but that it was ours. */
function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (!(error instanceof ValidationError) || error.type !== "body") {
    return new Problem("internal", "This is a mistake of the server; the request id leads to it");
  }
  if (error.value instanceof Unreadable) return error.value.problem;
  const { path = "", message = "The body has another shape" } = error.valueError ?? {};
  return new Problem("invalid_body", path === "" ? message : `"${path.slice(1, 65)}": ${message}`);
}

/** An error without what it found: an answer that does not fit its schema may hold a credential. */
function loggable(error: unknown): unknown {
  if (!(error instanceof ValidationError)) return error;
  return new TypeError(`The ${error.type} does not fit its schema at "${error.valueError?.path}"`);
}
