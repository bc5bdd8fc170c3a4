import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import Ajv from "@redocly/ajv/dist/2020.js";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { openApi, operations } from "../../src/http/openapi.ts";
import { makeWorld, type World } from "./world.ts";

/** As much of a description as is walked here. */
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Told>> }>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}
interface Told {
  readonly content?: Readonly<Record<string, object>>;
  readonly headers?: Readonly<Record<string, object>>;
}

const text = JSON.stringify(openApi("0.1.0"));
const description: Description = JSON.parse(text);

test("a linter finds nothing wrong with GET /openapi.json", async () => {
  const config = await createConfig({ extends: ["recommended-strict"] });
  const problems = await lintFromString({ source: text, absoluteRef: "/openapi.json", config });
  // What asks for nothing and takes nothing cannot be asked wrongly.
  const open = operations.filter(({ security }) => security.length === 0).map(({ path }) => path.replaceAll("/", "~1"));
  const isOpen = (pointer = ""): boolean => open.some((path) => pointer.startsWith(`#/paths/${path}/`));
  const serious = problems.filter(({ ruleId, location }) => ruleId !== "operation-4xx-response" || !isOpen(location[0]?.pointer));
  assert.deepEqual(
    serious.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`),
    [],
  );
});

test("every route that is written is told of: the pages themselves and metrics apart", () => {
  const folder = new URL("../../src/http/routes/", import.meta.url);
  const written = readdirSync(folder).flatMap((file) => {
    const source = readFileSync(new URL(file, folder), "utf8");
    return [...source.matchAll(/\.(get|post)\(\s*(?:"([^"]+)"|(\w+))/g)].map(([, method = "", literal, name]) => {
      const path = literal ?? new RegExp(`const ${name} = "([^"]+)"`).exec(source)?.[1];
      return `${method} ${path}`;
    });
  });
  const untold = ["get /", "get /docs", "get /metrics", "get /openapi.json"];
  const told = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  assert.deepEqual(written.sort(), [...told, ...untold].sort());
});

/** What is asked, and whoever shall answer it otherwise than with 200. */
interface Sample {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly status: number;
  readonly body?: unknown;
  readonly key?: false | "b";
  readonly type?: string;
  readonly before?: (world: World) => void;
}

const mint = { method: "POST", path: "/v1/credentials" } as const;
const revoke = { method: "POST", path: "/v1/credentials/revoke" } as const;
const ice = { method: "GET", path: "/api/v1/ice-servers" } as const;

const samples: readonly Sample[] = [
  { ...mint, status: 200 },
  { ...mint, status: 200, body: { ttl: 60, region: "eu-central", label: "ann", transports: ["udp", "tls"] } },
  { ...mint, status: 200, before: ({ regions }) => regions.setOwn({ hostname: "h", udp: 3478, relay: false }) },
  { ...mint, status: 401, key: false },
  { ...mint, status: 400, body: { ttll: 5 } },
  { ...mint, status: 400, body: { ttl: 0 } },
  { ...mint, status: 400, body: { label: "two words" } },
  { ...mint, status: 400, body: { region: "atlantis" } },
  { ...mint, status: 400, body: { transports: ["sctp"] } },
  { ...mint, status: 403, key: "b", body: { region: "eu-central" } },
  { ...mint, status: 503, body: { region: "us-east" } },
  { ...mint, status: 413, body: "x".repeat(20_000) },
  { ...mint, status: 415, body: {}, type: "text/plain" },
  { ...mint, status: 429, before: tooOften },
  { ...ice, status: 200 },
  { ...ice, status: 200, before: ({ regions }) => regions.setOwn({ hostname: "h", udp: 3478, relay: false }) },
  { ...ice, status: 401, key: false },
  { ...ice, status: 429, before: tooOften },
  { ...ice, status: 503, before: ({ regions }) => regions.setOwn(undefined) },
  { ...revoke, status: 204, body: { username: "1718200000:project_a:ann" } },
  { ...revoke, status: 401, key: false, body: { username: "1718200000:project_a:ann" } },
  { ...revoke, status: 400, body: { username: "ann" } },
  { ...revoke, status: 400 },
  { ...revoke, status: 413, body: "x".repeat(20_000) },
  { ...revoke, status: 415, body: {}, type: "text/plain" },
  { ...revoke, status: 404, body: { username: "1718200000:project_b:ann" } },
  { method: "GET", path: "/v1/regions", status: 200 },
  { method: "GET", path: "/healthz", status: 200 },
  { method: "GET", path: "/readyz", status: 200 },
  { method: "GET", path: "/readyz", status: 200, before: inHealth("degraded") },
  { method: "GET", path: "/readyz", status: 503, before: inHealth("draining") },
];

describe("every answer is one that the description tells, in every field", () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(closed(description), "api");

  for (const sample of samples) {
    const { method, path, status, body } = sample;
    test(`${method} ${path} ${JSON.stringify(body)?.slice(0, 60) ?? ""} ${status}`, async () => {
      const response = await ask(sample);
      const answer = await response.text();
      assert.equal(response.status, status, answer);
      const told = description.paths[path]?.[method.toLowerCase()]?.responses[status];
      assert.ok(told, `${status} is not told`);
      for (const name of Object.keys(told.headers ?? {})) assert.ok(response.headers.get(name), name);
      if (told.content === undefined) return assert.equal(answer, "");
      const type = response.headers.get("content-type")?.split(";")[0] ?? "";
      assert.ok(type in told.content, `${type} is not told`);
      const pointer = ["paths", path, method.toLowerCase(), "responses", `${status}`, "content", type, "schema"];
      const validate = ajv.compile({ $ref: `api#/${pointer.map((step) => step.replaceAll("/", "~1")).join("/")}` });
      assert.ok(validate(JSON.parse(answer)), `${answer}\n${JSON.stringify(validate.errors)}`);
    });
  }

  test("and the samples reach every answer that is told, but for mistakes of ours", () => {
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        const reached = samples.filter((sample) => sample.path === path && sample.method.toLowerCase() === method);
        const missing = Object.keys(responses).filter((status) => !reached.some((sample) => `${sample.status}` === status));
        assert.deepEqual(
          missing.filter((status) => status !== "500"),
          [],
          `${method} ${path}`,
        );
      }
    }
  });
});

async function ask({ method, path, body, key, type = "application/json", before }: Sample): Promise<Response> {
  const world = makeWorld();
  before?.(world);
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": type } };
  return world.ask(path, { method, ...init, ...(key === false ? {} : { key: key === "b" ? world.keyB : world.keyA }) });
}

function tooOften(world: World): void {
  world.wait = 7;
}

function inHealth(status: "degraded" | "draining"): (world: World) => void {
  return (world) => {
    world.health = { status, problems: [{ code: "database", detail: "It does not answer" }] };
  };
}

/** The same with no room for fields that are not told. */
function closed(value: unknown): object {
  const walk = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(walk);
    if (typeof inner !== "object" || inner === null) return inner;
    const entries = Object.entries(inner).map(([key, each]) => [key, key === "example" ? each : walk(each)]);
    return { ...Object.fromEntries(entries), ...("properties" in inner ? { additionalProperties: false } : {}) };
  };
  const whole = walk(value);
  assert.ok(typeof whole === "object" && whole !== null);
  return whole;
}
