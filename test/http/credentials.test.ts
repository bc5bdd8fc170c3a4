import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { credentialKey, mint } from "../../src/credentials/credential.ts";
import { Secret } from "../../src/lib/secret.ts";
import { makeWorld, type World } from "./world.ts";

async function problemOf(response: Response): Promise<string> {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem: { status: number; code: string } = JSON.parse(await response.text());
  assert.deepEqual(Object.keys(problem), ["type", "title", "status", "detail", "code"]);
  assert.equal(problem.status, response.status);
  return `${response.status} ${problem.code}`;
}

const post = (world: World, init: RequestInit & { key?: string }) =>
  world.ask("/v1/credentials", { method: "POST", key: world.keyA, ...init });

describe("POST /v1/credentials", () => {
  test("answers what the page shows, with credentials that the relay accepts", async () => {
    const world = makeWorld();
    const response = await world.mint({ ttl: 3600, region: "eu-central" });
    const { credential } = mint(
      credentialKey({ id: "project_a", secret: new Secret("secret of a") }, "eu-central"),
      { ttl: 3600 },
      world.clock,
    );
    assert.equal(response.status, 200);
    assert.equal(
      await response.text(),
      `{"username":"1718200000:project_a","credential":"${credential}","ttl":3600,"region":"eu-central","iceServers":[{"urls":[` +
        '"stun:relay.example.com:3478","turn:relay.example.com:3478?transport=udp","turn:relay.example.com:3478?transport=tcp",' +
        `"turns:relay.example.com:443?transport=tcp"],"username":"1718200000:project_a","credential":"${credential}"}]}`,
    );
    assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    assert.match(response.headers.get("x-request-id") ?? "", /^request-\d+$/);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  });

  test("takes no body, an empty one, and any spelling of the content type", async () => {
    const world = makeWorld();
    const types = [{}, { "content-type": "text/plain" }, { "content-type": "" }];
    for (const headers of types) assert.equal((await post(world, { headers, body: "" })).status, 200, JSON.stringify(headers));
    assert.equal((await post(world, {})).status, 200);
    for (const type of [
      "application/json",
      "application/json; charset=utf-8",
      "APPLICATION/JSON",
      "application/json;charset=UTF-8",
    ]) {
      const response = await post(world, { headers: { "content-type": type }, body: '{"ttl":60}' });
      const { ttl }: { ttl: number } = JSON.parse(await response.text());
      assert.equal(ttl, 60, type);
    }
    assert.equal((await post(world, { body: new TextEncoder().encode('{"ttl":60}') })).status, 200, "no content type at all");
  });

  test("puts a label into the username, and filters transports", async () => {
    const response = await makeWorld().mint({ label: "ann@example.com", transports: ["tls", "tls"] });
    const answer: { username: string; iceServers: { urls: string[] }[] } = JSON.parse(await response.text());
    assert.equal(answer.username, "1718200000:project_a:ann@example.com");
    assert.deepEqual(answer.iceServers[0]?.urls, ["turns:relay.example.com:443?transport=tcp"]);
  });

  const refused: [string, string | object, string][] = [
    ["no JSON", "{bad", "400 invalid_body"],
    ["an array", "[]", "400 invalid_body"],
    ["a number", "5", "400 invalid_body"],
    ["a text", '"abc"', "400 invalid_body"],
    ["null", "null", "400 invalid_body"],
    ["false", "false", "400 invalid_body"],
    ["an unknown key", { ttl: 60, tll: 60 }, "400 invalid_body"],
    ["an unknown key with a dangerous name", '{"__proto__":{}}', "400 invalid_body"],
    ["a ttl of null", { ttl: null }, "400 invalid_body"],
    ["a ttl in a string", { ttl: "60" }, "400 invalid_body"],
    ["a region that is no text", { region: 1 }, "400 invalid_body"],
    ["no transport", { transports: [] }, "400 invalid_body"],
    ["an unknown transport", { transports: ["quic"] }, "400 invalid_body"],
    ["a ttl of 0", { ttl: 0 }, "400 invalid_ttl"],
    ["a negative ttl", { ttl: -1 }, "400 invalid_ttl"],
    ["a fraction", { ttl: 1.5 }, "400 invalid_ttl"],
    ["a ttl above the longest", { ttl: 172_801 }, "400 invalid_ttl"],
    ["an empty label", { label: "" }, "400 invalid_label"],
    ["a label with a colon", { label: "a:b" }, "400 invalid_label"],
    ["a label of 129", { label: "a".repeat(129) }, "400 invalid_label"],
    ["an unknown region", { region: "moon" }, "400 unknown_region"],
    ["a region nobody serves", { region: "us-east" }, "503 region_unavailable"],
    ["16 KiB and one octet", " ".repeat(16 * 1024 + 1), "413 payload_too_large"],
  ];
  for (const [what, body, expected] of refused) {
    test(`refuses ${what}: ${expected}`, async () => {
      assert.equal(await problemOf(await makeWorld().mint(body)), expected);
    });
  }

  test("takes a body of exactly 16 KiB, and the longest ttl", async () => {
    const world = makeWorld();
    assert.equal((await world.mint('{"ttl":60}'.padEnd(16 * 1024))).status, 200);
    assert.equal((await world.mint({ ttl: 172_800 })).status, 200);
  });

  test("refuses another content type: 415", async () => {
    const response = await post(makeWorld(), {
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "ttl=60",
    });
    assert.equal(await problemOf(response), "415 unsupported_media_type");
  });

  test("knows which regions a project has", async () => {
    const world = makeWorld();
    const asB = (body: object) =>
      post(world, { key: world.keyB, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    assert.equal(await problemOf(await asB({ region: "eu-central" })), "403 region_not_enabled");
    const nobody = await asB({});
    assert.match(nobody.headers.get("retry-after") ?? "", /^\d+$/);
    assert.equal(await problemOf(nobody), "503 region_unavailable");
    const gateway = {
      id: "other",
      region: "us-west",
      endpoints: { hostname: "west.example.com", tls: 443, relay: true },
      draining: false,
    };
    world.regions.setGateways([{ ...gateway, heartbeatUnixMs: world.clock.unixMs }], world.clock);
    const answer: { region: string; iceServers: { urls: string[] }[] } = JSON.parse(await (await asB({})).text());
    assert.deepEqual([answer.region, answer.iceServers[0]?.urls], ["us-west", ["turns:west.example.com:443?transport=tcp"]]);
  });

  test("says when nobody offers the transports", async () => {
    const world = makeWorld();
    world.regions.setOwn({ hostname: "h", udp: 3478, relay: true });
    assert.equal(await problemOf(await world.mint({ transports: ["tls"] })), "503 region_unavailable");
  });

  test("says how long to wait after too many", async () => {
    const world = makeWorld();
    world.wait = 7;
    const response = await world.mint({});
    assert.equal(response.headers.get("retry-after"), "7");
    assert.equal(await problemOf(response), "429 rate_limited");
  });

  test("answers every stranger with the same octets, whatever the body", async () => {
    const world = makeWorld();
    world.directory.apply({ ...nothing, revokedKeys: ["key_1"] });
    const strangers: Record<string, string>[] = [
      {},
      { authorization: "" },
      { authorization: "Bearer" },
      { authorization: "Bearer ibk_short" },
      { authorization: `Bearer ibk_${"a".repeat(40)}` },
      { authorization: `Bearer ${world.keyB}` },
      { authorization: `Basic ${world.keyA}` },
      { authorization: `Bearer ${world.keyA} x` },
      { authorization: "Bearer eyJhbGciOiJub25lIn0.e30." },
    ];
    const bodies = ["", "{bad", "x".repeat(20_000), '{"ttl":0}'];
    const answers = new Set<string>();
    for (const headers of strangers) {
      for (const body of bodies) {
        const response = await world.ask("/v1/credentials", {
          method: "POST",
          headers: { "content-type": "text/plain", ...headers },
          body,
        });
        assert.equal(response.headers.get("www-authenticate"), "Bearer");
        answers.add(`${response.status} ${await response.text()}`);
      }
    }
    assert.equal(answers.size, 1);
    assert.match([...answers][0] ?? "", /^401 .*"code":"unauthorized"/);
  });

  test("a scheme has no case", async () => {
    const world = makeWorld();
    const headers = { authorization: `bearer  ${world.keyA}` };
    assert.equal((await world.ask("/v1/credentials", { method: "POST", headers })).status, 200);
  });

  test("refuses values that cannot be worded", async () => {
    const world = makeWorld();
    for (const value of ['{"toString":[]}', '[{"toString":1,"valueOf":1}]']) {
      for (const name of ["region", "label", "ttl", "transports"]) {
        assert.equal(await problemOf(await world.mint(`{"${name}":${value}}`)), "400 invalid_body", `${name}: ${value}`);
      }
    }
    assert.deepEqual(world.logged, []);
  });

  test("any body is answered, and none is a mistake of ours", async () => {
    const world = makeWorld();
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .record(
          { ttl: fc.anything(), region: fc.anything(), label: fc.anything(), transports: fc.anything() },
          { requiredKeys: [] },
        )
        .map((value) => new TextEncoder().encode(JSON.stringify(value))),
    );
    await fc.assert(
      fc.asyncProperty(body, async (octets) => {
        const response = await post(world, { headers: { "content-type": "application/json" }, body: Uint8Array.from(octets) });
        assert.ok([200, 400, 503].includes(response.status), `${response.status}`);
      }),
      { numRuns: 200 },
    );
    assert.deepEqual(world.logged, []);
  });
});

describe("POST /v1/credentials/revoke", () => {
  const ask = (world: World, username: unknown) =>
    world.ask("/v1/credentials/revoke", {
      method: "POST",
      key: world.keyA,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username }),
    });

  test("ends any well-formed credential of the project", async () => {
    const world = makeWorld();
    for (const username of ["1:project_a", "9999999999:project_a:ann"]) {
      const response = await ask(world, username);
      assert.equal(response.status, 204);
      assert.equal(await response.text(), "");
    }
    assert.deepEqual(world.revoked, ["1:project_a", "9999999999:project_a:ann"]);
  });

  test("says so when the database does not take it, and when to ask again", async () => {
    const world = makeWorld({ records: { revoke: async () => "waits" } });
    const response = await ask(world, "1:project_a");
    assert.equal(response.headers.get("retry-after"), "1");
    assert.match(await response.text(), /"code":"internal".*/);
    assert.equal(response.status, 500);
  });

  test("knows nothing of another project's, and refuses what is no username", async () => {
    const world = makeWorld();
    assert.equal(await problemOf(await ask(world, "1:project_b")), "404 not_found");
    assert.equal(await problemOf(await ask(world, "ann")), "400 invalid_body");
    assert.equal(await problemOf(await ask(world, 1)), "400 invalid_body");
    assert.equal(await problemOf(await world.ask("/v1/credentials/revoke", { method: "POST" })), "401 unauthorized");
    assert.deepEqual(world.revoked, []);
  });
});

const nothing = { revision: 2, more: false, projects: [], deletedProjects: [], keys: [], revokedKeys: [], revocations: [] };
