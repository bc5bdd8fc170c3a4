import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { endpoints, makeWorld } from "./world.ts";

const codeOf = async (response: Response): Promise<string> => {
  const { code }: { code: string } = JSON.parse(await response.text());
  return `${response.status} ${code}`;
};

describe("GET /api/v1/ice-servers", () => {
  test("answers what the page shows, by API key in the header or in the URL", async () => {
    const world = makeWorld();
    const response = await world.ask("/api/v1/ice-servers", { key: world.keyA });
    const text = await response.text();
    assert.match(
      text,
      /^\{"iceServers":\[\{"urls":\["stun:relay.example.com:3478","stun:stun.l.google.com:19302"\]\},\{"urls":\["turn:relay.example.com:3478","turn:relay.example.com:3478\?transport=tcp","turns:relay.example.com:443\?transport=tcp"\],"username":"1718282800:project_a","credential":"[A-Za-z0-9+/]{27}="\}\]\}$/,
    );
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    assert.equal(await (await world.ask(`/api/v1/ice-servers?token=${world.keyA}`)).text(), text);
  });

  test("counts the header if both come", async () => {
    const world = makeWorld();
    const path = `/api/v1/ice-servers?token=${world.keyA}`;
    assert.equal(await codeOf(await world.ask(path, { key: "ibk_wrong" })), "401 unauthorized");
    assert.equal(await codeOf(await world.ask(path, { headers: { authorization: "Basic x" } })), "401 unauthorized");
    assert.equal((await world.ask("/api/v1/ice-servers?token=wrong", { key: world.keyA })).status, 200);
  });

  test("without TURN is STUN alone; without a gateway it is unavailable", async () => {
    const world = makeWorld();
    world.regions.setOwn({ ...endpoints, relay: false });
    const answer: unknown = await (await world.ask("/api/v1/ice-servers", { key: world.keyA })).json();
    assert.deepEqual(answer, { iceServers: [{ urls: ["stun:relay.example.com:3478", "stun:stun.l.google.com:19302"] }] });
    world.regions.setOwn(undefined);
    assert.equal(await codeOf(await world.ask("/api/v1/ice-servers", { key: world.keyA })), "503 region_unavailable");
  });

  test("is rate limited too, and HEAD mints nothing that shows", async () => {
    const world = makeWorld();
    const head = await world.ask("/api/v1/ice-servers", { method: "HEAD", key: world.keyA });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    world.wait = 1;
    assert.equal(await codeOf(await world.ask("/api/v1/ice-servers", { key: world.keyA })), "429 rate_limited");
  });
});

describe("CORS", () => {
  const path = "/api/v1/ice-servers";
  const from = (origin: string) => ({ headers: { origin } });

  test("is closed by default: no headers, and OPTIONS is 405", async () => {
    const world = makeWorld();
    const response = await world.ask(path, { method: "OPTIONS", ...from("https://app.example.com") });
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    assert.equal(await codeOf(response), "405 method_not_allowed");
  });

  test("is open to the named origins, errors included", async () => {
    const world = makeWorld();
    world.settings = { ...world.settings, corsOrigins: ["https://app.example.com"] };
    for (const init of [{ key: world.keyA }, {}, { method: "DELETE" }]) {
      const response = await world.ask(path, { ...init, ...from("https://app.example.com") });
      assert.equal(response.headers.get("access-control-allow-origin"), "https://app.example.com", `${response.status}`);
      assert.equal(response.headers.get("vary"), "Origin");
    }
    const foreign = await world.ask(path, { key: world.keyA, ...from("https://evil.example.com") });
    assert.deepEqual([foreign.status, foreign.headers.get("access-control-allow-origin")], [200, null]);
    assert.equal(foreign.headers.get("vary"), "Origin");
  });

  test("answers a preflight with 204", async () => {
    const world = makeWorld();
    world.settings = { ...world.settings, corsOrigins: ["*"] };
    const response = await world.ask(path, { method: "OPTIONS", ...from("https://any.example.com") });
    assert.deepEqual([response.status, await response.text()], [204, ""]);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.match(response.headers.get("access-control-allow-headers") ?? "", /authorization/i);
    assert.match(response.headers.get("access-control-allow-methods") ?? "", /GET/);
    assert.ok(response.headers.get("x-request-id"));
  });

  test("never reaches POST /v1/credentials", async () => {
    const world = makeWorld();
    world.settings = { ...world.settings, corsOrigins: ["*"] };
    const preflight = await world.ask("/v1/credentials", { method: "OPTIONS", ...from("https://any.example.com") });
    const answer = await world.ask("/v1/credentials", {
      method: "POST",
      key: world.keyA,
      headers: { origin: "https://any.example.com" },
    });
    for (const { headers } of [preflight, answer]) assert.equal(headers.get("access-control-allow-origin"), null);
    assert.equal(preflight.headers.get("allow"), "POST");
    assert.equal(await codeOf(preflight), "405 method_not_allowed");
  });
});

describe("every path", () => {
  test("unknown ones are 404, known ones with another method 405 with Allow", async () => {
    const world = makeWorld();
    for (const path of ["/nothing", "/v1/credentials/", "/v1", "//", "/v1/%63redentials", "/metrics"]) {
      assert.equal(await codeOf(await world.ask(path)), "404 not_found", path);
    }
    for (const [method, path, allow] of [
      ["GET", "/v1/credentials", "POST"],
      ["HEAD", "/v1/credentials", "POST"],
      ["POST", "/api/v1/ice-servers", "GET, HEAD"],
      ["PROPFIND", "/", "GET, HEAD"],
      ["DELETE", "/healthz", "GET, HEAD"],
    ]) {
      const response = await world.ask(path ?? "", { method: method ?? "" });
      assert.deepEqual([response.status, response.headers.get("allow")], [405, allow], `${method} ${path}`);
    }
  });

  test("HEAD is GET without its body, and with its length", async () => {
    const world = makeWorld();
    for (const path of ["/", "/docs", "/openapi.json", "/v1/regions", "/healthz", "/readyz"]) {
      const [get, head] = [await world.ask(path), await world.ask(path, { method: "HEAD" })];
      assert.deepEqual([get.status, head.status], [200, 200], path);
      assert.equal(head.headers.get("content-length"), `${(await get.arrayBuffer()).byteLength}`, path);
      assert.equal(await head.text(), "");
      for (const { headers } of [get, head]) assert.ok(headers.get("x-request-id"), path);
    }
  });
});

describe("health", () => {
  test("/healthz is 200 while the process answers", async () => {
    const response = await makeWorld().ask("/healthz");
    assert.deepEqual([response.status, await response.text()], [200, '{"status":"ok"}']);
  });

  for (const [status, code] of [
    ["ready", 200],
    ["degraded", 200],
    ["draining", 503],
    ["starting", 503],
  ] as const) {
    test(`/readyz is ${code} when ${status}`, async () => {
      const world = makeWorld();
      world.health = { status, problems: [{ code: "database", detail: "It is gone" }] };
      const response = await world.ask("/readyz");
      assert.equal(response.status, code);
      assert.equal(await response.text(), `{"status":"${status}","problems":[{"code":"database","detail":"It is gone"}]}`);
    });
  }

  test("listen.metrics serves metrics and health, and nothing else", async () => {
    const world = makeWorld({ metricsRoutes: true });
    const response = await world.ask("/metrics");
    assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    assert.equal(await response.text(), "icebreaker_up 1\n");
    assert.equal((await world.ask("/readyz")).status, 200);
    assert.equal((await world.ask("/healthz")).status, 200);
    assert.equal((await world.ask("/v1/credentials", { method: "POST", key: world.keyA })).status, 404);
  });
});

test("GET /v1/regions lists the page's eight with their locations", async () => {
  const { regions }: { regions: { slug: string; location: string; available: boolean }[] } = JSON.parse(
    await (await makeWorld().ask("/v1/regions")).text(),
  );
  assert.equal(regions.length, 8);
  assert.deepEqual(regions[2], { slug: "eu-central", location: "European Union — Frankfurt", available: true });
});

test("a mistake of ours is `internal`, logged with the same id, and says nothing of it", async () => {
  const world = makeWorld({
    records: { revoke: () => Promise.reject(new Error("disk on fire")) },
  });
  const body = '{"username":"1:project_a"}';
  const headers = { "content-type": "application/json" };
  const response = await world.ask("/v1/credentials/revoke", { method: "POST", key: world.keyA, headers, body });
  const id = response.headers.get("x-request-id");
  const text = await response.text();
  assert.equal(response.status, 500);
  assert.ok(text.includes('"code":"internal"') && !text.includes("fire"), text);
  assert.equal(world.logged.length, 1);
  assert.ok(world.logged[0]?.includes(`${id}`) && world.logged[0].includes("fire"), world.logged[0] ?? "");
});

test("pages load nothing from elsewhere", async () => {
  const world = makeWorld();
  for (const path of ["/", "/docs"]) {
    const response = await world.ask(path);
    const text = await response.text();
    assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.ok(!/<(script|link|img|iframe)\b|url\(|@import/i.test(text), path);
    assert.ok(text.includes('href="/openapi.json"'), path);
  }
});

test("GET /openapi.json names every path, and resolves every reference", async () => {
  const text = await (await makeWorld().ask("/openapi.json")).text();
  const description: { openapi: string; paths: object; components: { schemas: object } } = JSON.parse(text);
  assert.match(description.openapi, /^3\.1\./);
  assert.deepEqual(Object.keys(description.paths).sort(), [
    "/api/v1/ice-servers",
    "/healthz",
    "/readyz",
    "/v1/credentials",
    "/v1/credentials/revoke",
    "/v1/regions",
  ]);
  for (const [, name = ""] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
    assert.ok(name in description.components.schemas, name);
});

test("needs no code made of strings: the executable forbids it", {
  skip: process.versions.bun === undefined ? "only Bun has the flag" : false,
}, async () => {
  const flag = "--disallow-code-generation-from-strings=strict";
  const { stdout } = await promisify(execFile)(process.execPath, [flag, join(import.meta.dirname, "strict-process.ts")]);
  assert.equal(stdout, "[200,200,400,400,400,400,404,200,405,false]");
});
