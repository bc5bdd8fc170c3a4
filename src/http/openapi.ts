import { type ProblemCode, problemCodes } from "./problem.ts";
import { schemas } from "./schemas.ts";

/** An endpoint, as the description and the page of it tell it. */
export interface Operation {
  readonly method: "get" | "post";
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly description: string;
  /** Who may call. */
  readonly security: readonly ("apiKey" | "jwt" | "tokenParameter")[];
  readonly request?: { readonly schema: string; readonly required: boolean; readonly example: unknown };
  readonly answer: { readonly status: number; readonly schema?: string; readonly mediaType?: string; readonly example?: unknown };
  readonly problems: readonly ProblemCode[];
}

const username = "1718200000:project_ab12";
const credential = "jnwqyWqGwTWsWpjGkmwcCqPGgtA=";
const stun = "stun:relay.example.com:3478";
const overTcp = "turn:relay.example.com:3478?transport=tcp";
const overTls = "turns:relay.example.com:443?transport=tcp";

const UNAUTHORIZED = 401;
const WITH_RETRY: readonly number[] = [429, 503];

/** Every endpoint of the API. */
export const operations: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/credentials",
    id: "mintCredentials",
    summary: "Mint ICE credentials",
    description:
      "Call it from your server, with the API key of a project, and hand the result to the browser. One credential pair " +
      "comes back, with the URLs of every transport; the browser tries them in parallel and keeps what connects first.",
    security: ["apiKey"],
    request: { schema: "MintRequest", required: false, example: { ttl: 3600, region: "eu-central" } },
    answer: {
      status: 200,
      schema: "MintAnswer",
      example: {
        username,
        credential,
        ttl: 3600,
        region: "eu-central",
        iceServers: [{ urls: [stun, "turn:relay.example.com:3478?transport=udp", overTcp, overTls], username, credential }],
      },
    },
    problems: [
      "unauthorized",
      "invalid_body",
      "invalid_ttl",
      "invalid_label",
      "unknown_region",
      "region_not_enabled",
      "payload_too_large",
      "unsupported_media_type",
      "rate_limited",
      "internal",
      "region_unavailable",
    ],
  },
  {
    method: "get",
    path: "/api/v1/ice-servers",
    id: "iceServers",
    summary: "Get ICE servers",
    description:
      "What a client passes to RTCPeerConnection before it creates an offer: STUN servers and, where TURN is enabled, a " +
      "TURN entry with fresh credentials. A JWT or an API key goes in the header, or in `token`; the header counts if both come.",
    security: ["apiKey", "jwt", "tokenParameter"],
    answer: {
      status: 200,
      schema: "IceServersAnswer",
      example: {
        iceServers: [{ urls: [stun] }, { urls: ["turn:relay.example.com:3478", overTcp, overTls], username, credential }],
      },
    },
    problems: ["unauthorized", "rate_limited", "internal", "region_unavailable"],
  },
  {
    method: "post",
    path: "/v1/credentials/revoke",
    id: "revokeCredential",
    summary: "Revoke a credential",
    description:
      "Within a second it makes no new allocation, and its live ones end. Expired and unknown ones are done with alike.",
    security: ["apiKey"],
    request: { schema: "RevokeRequest", required: true, example: { username: `${username}:ann` } },
    answer: { status: 204 },
    problems: ["unauthorized", "invalid_body", "not_found", "payload_too_large", "unsupported_media_type", "internal"],
  },
  {
    method: "get",
    path: "/v1/regions",
    id: "regions",
    summary: "List regions",
    description: "Every region, its location, and whether a gateway serves it now.",
    security: [],
    answer: {
      status: 200,
      schema: "RegionsAnswer",
      example: { regions: [{ slug: "eu-central", location: "European Union — Frankfurt", available: true }] },
    },
    problems: ["internal"],
  },
  {
    method: "get",
    path: "/healthz",
    id: "healthz",
    summary: "Whether the process answers",
    description: "Always 200 while it does.",
    security: [],
    answer: { status: 200, schema: "HealthAnswer", example: { status: "ok" } },
    problems: [],
  },
  {
    method: "get",
    path: "/readyz",
    id: "readyz",
    summary: "Whether to send it clients",
    description: "503 with the same fields while it starts or drains; `problems` says what is wrong with one that is degraded.",
    security: [],
    answer: { status: 200, schema: "ReadyAnswer", example: { status: "ready", problems: [] } },
    problems: [],
  },
];

const ref = (schema: string): object => ({ $ref: `#/components/schemas/${schema}` });
const names = new Map<unknown, string>(Object.entries(schemas).map(([name, schema]) => [schema, name]));

/** A named shape as readers of OpenAPI like it: shapes inside by reference, and one of a few words as an enumeration. */
export function described(name: string): Described {
  return Object.fromEntries(Object.entries(schemas[name] ?? {}).map(([key, value]) => [key, plain(value)]));
}

/** A JSON Schema, as much of it as the page of the API shows. */
export interface Described {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly items?: Described;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Described>>;
  readonly $ref?: string;
}

function plain(value: unknown): unknown {
  const name = names.get(value);
  if (name !== undefined) return ref(name);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const { anyOf, ...rest } = Object.fromEntries(Object.entries(value));
  const words = Array.isArray(anyOf) ? anyOf.map(wordOf) : [undefined];
  if (words.every((word) => word !== undefined)) return { ...rest, type: "string", enum: words };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function wordOf(schema: unknown): string | undefined {
  const word = typeof schema === "object" && schema !== null && "const" in schema ? schema.const : undefined;
  return typeof word === "string" ? word : undefined;
}

/** The API in OpenAPI 3.1, for generators and linters. */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationObject(operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "icebreaker",
      version,
      description: "Short-lived ICE credentials, and the STUN and TURN servers that accept them.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: Object.fromEntries(Object.keys(schemas).map((name) => [name, described(name)])),
      headers: {
        "X-Request-Id": { description: "Leads an operator to the line in the log.", schema: { type: "string" } },
        "Retry-After": { description: "Seconds to wait before another try.", schema: { type: "integer" } },
        "WWW-Authenticate": { description: "`Bearer`.", schema: { type: "string" } },
      },
      securitySchemes: {
        apiKey: {
          type: "http",
          scheme: "bearer",
          description: "The API key of a project, `ibk_…`. It never leaves your server.",
        },
        jwt: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        tokenParameter: {
          type: "apiKey",
          in: "query",
          name: "token",
          description: "A JWT or an API key, where no header can be set.",
        },
      },
    },
  };
}

function operationObject({ id, summary, description, security, request, answer, problems, path }: Operation): object {
  const responses: Record<string, object> = { [answer.status]: answerObject(answer) };
  if (path === "/readyz") responses["503"] = answerObject({ ...answer, example: { status: "draining", problems: [] } });
  for (const { status, title } of problemCodes) {
    const codes = problemCodes.filter((known) => known.status === status && problems.includes(known.code));
    if (codes.length > 0)
      responses[status] = problemObject(
        codes.map(({ code }) => code),
        status,
        title,
      );
  }
  return {
    operationId: id,
    summary,
    description,
    security: security.map((scheme) => ({ [scheme]: [] })),
    ...(request && {
      requestBody: {
        required: request.required,
        content: { "application/json": { schema: ref(request.schema), example: request.example } },
      },
    }),
    responses,
  };
}

function answerObject({ status, schema, example }: Operation["answer"]): object {
  const head = { description: status === 204 ? "Done." : "The answer.", headers: headers("X-Request-Id") };
  return schema === undefined ? head : { ...head, content: { "application/json": { schema: ref(schema), example } } };
}

function problemObject(codes: readonly ProblemCode[], status: number, title: string): object {
  const [first] = codes;
  const example = { type: `/docs#${first}`, title, status, detail: "A sentence for whoever reads it", code: first };
  const more = status === UNAUTHORIZED ? ["WWW-Authenticate"] : WITH_RETRY.includes(status) ? ["Retry-After"] : [];
  return {
    description: codes.map((code) => `\`${code}\``).join(", "),
    headers: headers("X-Request-Id", ...more),
    content: { "application/problem+json": { schema: ref("Problem"), example } },
  };
}

function headers(...known: readonly string[]): object {
  return Object.fromEntries(known.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
