import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import type { JwtSettings } from "../../src/http/services.ts";
import { Secret } from "../../src/lib/secret.ts";
import { makeWorld, type World } from "./world.ts";

const secret = new Secret("a shared secret of 32 octets....");
const bySecret: JwtSettings = {
  algorithms: ["HS256"],
  secret,
  issuer: "https://id.example.com",
  audience: "icebreaker",
  project: "project_a",
};
const claims = { iss: "https://id.example.com", aud: "icebreaker", sub: "ann" };

type Key = Parameters<SignJWT["sign"]>[0];

/** A token that is right in everything but what a test changes. */
function token(
  world: World,
  change: JWTPayload = {},
  key: Key = secret.reveal(),
  header: { alg: string; kid?: string } = { alg: "HS256" },
) {
  const exp = world.clock.unixMs / 1000 + 300;
  return new SignJWT({ ...claims, exp, ...change }).setProtectedHeader(header).sign(key);
}

const without = (claim: string): JWTPayload => ({ [claim]: undefined });

function worldWith(jwt: JwtSettings): World {
  const world = makeWorld();
  world.settings = { ...world.settings, jwt };
  return world;
}

async function statusOf(world: World, key: string): Promise<number> {
  return (await world.ask("/api/v1/ice-servers", { key })).status;
}

describe("a JWT by shared secret", () => {
  test("speaks for the configured project, in the header or in the URL", async () => {
    const world = worldWith(bySecret);
    const jwt = await token(world);
    const text = await (await world.ask(`/api/v1/ice-servers?token=${jwt}`)).text();
    assert.match(text, /"username":"\d+:project_a"/);
    assert.equal(await (await world.ask("/api/v1/ice-servers", { key: jwt })).text(), text);
  });

  test("or for the project that its claim names, if there is one", async () => {
    const world = worldWith({ ...bySecret, project: undefined });
    assert.equal(await statusOf(world, await token(world, { project: "project_a" })), 200);
    for (const project of ["project_none", 7, null, ["project_a"]]) {
      assert.equal(await statusOf(world, await token(world, { project })), 401, JSON.stringify(project));
    }
    assert.equal(await statusOf(world, await token(world)), 401, "nobody says for whom");
    const configured = worldWith(bySecret);
    assert.equal(await statusOf(configured, await token(configured, { project: "project_none" })), 401);
  });

  test("is never good for POST /v1/credentials", async () => {
    const world = worldWith(bySecret);
    assert.equal((await world.ask("/v1/credentials", { method: "POST", key: await token(world) })).status, 401);
  });

  const seconds = 1_718_196_400;
  const table: [string, JWTPayload, number][] = [
    ["without exp", without("exp"), 401],
    ["expired 59 s ago", { exp: seconds - 59 }, 200],
    ["expired 61 s ago", { exp: seconds - 61 }, 401],
    ["valid in 59 s", { nbf: seconds + 59 }, 200],
    ["valid in 61 s", { nbf: seconds + 61 }, 401],
    ["of another issuer", { iss: "https://evil.example.com" }, 401],
    ["without an issuer", without("iss"), 401],
    ["for another audience", { aud: "else" }, 401],
    ["for several audiences", { aud: ["else", "icebreaker"] }, 200],
  ];
  for (const [what, change, expected] of table) {
    test(`${what} is ${expected}`, async () => {
      const world = worldWith(bySecret);
      assert.equal(await statusOf(world, await token(world, change)), expected);
    });
  }

  test("has at most 8 KiB", async () => {
    const world = worldWith(bySecret);
    assert.equal(await statusOf(world, await token(world, { padding: "x".repeat(5000) })), 200);
    assert.equal(await statusOf(world, await token(world, { padding: "x".repeat(6200) })), 401);
  });

  test("with another signature, with none, or cut off is 401, as are all where JWTs are not set up", async () => {
    const world = worldWith(bySecret);
    const right = await token(world);
    const [header, payload] = right.split(".");
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
    for (const wrong of [
      await token(world, {}, new TextEncoder().encode("another secret of 32 octets.....")),
      none,
      `${header}.${payload}`,
      "a.b.c",
      "x",
    ]) {
      assert.equal(await statusOf(world, wrong), 401);
    }
    assert.equal(await statusOf(makeWorld(), right), 401);
    assert.equal(
      await (await world.ask("/api/v1/ice-servers", { key: "x" })).text(),
      await (await makeWorld().ask("/api/v1/ice-servers")).text(),
    );
  });

  test("obeys settings that were replaced meanwhile", async () => {
    const world = worldWith(bySecret);
    const jwt = await token(world);
    assert.equal(await statusOf(world, jwt), 200);
    world.settings = { ...world.settings, jwt: { ...bySecret, secret: new Secret("a newer secret of 32 octets.....") } };
    assert.equal(await statusOf(world, jwt), 401);
  });
});

for (const alg of ["RS256", "ES256", "EdDSA"]) {
  test(`a JWT by public key: ${alg}, and nothing else`, async () => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const pem = await exportSPKI(publicKey);
    const world = worldWith({ algorithms: [alg, "HS256"], publicKey: pem, project: "project_a" });
    assert.equal(await statusOf(world, await token(world, {}, privateKey, { alg })), 200);
    const other = await generateKeyPair(alg);
    assert.equal(await statusOf(world, await token(world, {}, other.privateKey, { alg })), 401);
    const confused = await token(world, {}, new TextEncoder().encode(pem), { alg: "HS256" });
    assert.equal(await statusOf(world, confused), 401, "a public key is no secret");
    world.settings = { ...world.settings, jwt: { algorithms: ["RS512"], publicKey: pem, project: "project_a" } };
    assert.equal(await statusOf(world, await token(world, {}, privateKey, { alg })), 401, "pinned");
  });
}

describe("a JWT by JWKS", () => {
  /** An issuer whose keys a test can change, and which counts how often it is asked. */
  async function issuer(
    use: (of: { url: string; keys: object[]; asked: number; status: number }) => Promise<void>,
  ): Promise<void> {
    const state = { url: "", keys: [], asked: 0, status: 200 };
    const server = createServer((_request, response) => {
      state.asked++;
      response.writeHead(state.status, { "content-type": "application/json" });
      response.end(JSON.stringify({ keys: state.keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    state.url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/jwks.json`;
    try {
      await use(state);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  async function pair(kid: string) {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" } };
  }

  test("fetches keys once, and for an unknown kid at most once a minute", () =>
    issuer(async (of) => {
      const [one, two] = [await pair("one"), await pair("two")];
      of.keys = [one.jwk];
      const world = worldWith({ algorithms: ["ES256"], jwks: of.url, project: "project_a" });
      const first = await token(world, {}, one.privateKey, { alg: "ES256", kid: "one" });
      const second = await token(world, {}, two.privateKey, { alg: "ES256", kid: "two" });

      assert.deepEqual(await Promise.all([1, 2, 3].map(() => statusOf(world, first))), [200, 200, 200]);
      assert.equal(of.asked, 1);

      of.keys = [one.jwk, two.jwk];
      for (let i = 0; i < 5; i++) assert.equal(await statusOf(world, second), 401);
      assert.equal(of.asked, 1, "within the minute");
      world.clock.monotonicMs += 60_000;
      assert.equal(await statusOf(world, second), 200);
      assert.equal(of.asked, 2);
      assert.equal(await statusOf(world, first), 200);
    }));

  test("keeps the keys it has when the issuer fails, and survives one that never answered", () =>
    issuer(async (of) => {
      const one = await pair("one");
      of.keys = [one.jwk];
      of.status = 500;
      const world = worldWith({ algorithms: ["ES256"], jwks: of.url, project: "project_a" });
      const jwt = await token(world, {}, one.privateKey, { alg: "ES256", kid: "one" });
      assert.equal(await statusOf(world, jwt), 401);
      of.status = 200;
      world.clock.monotonicMs += 60_000;
      assert.equal(await statusOf(world, jwt), 200);
      of.status = 500;
      world.clock.monotonicMs += 700_000;
      assert.equal(await statusOf(world, jwt), 200);
    }));

  test("takes no set of a megabyte", () =>
    issuer(async (of) => {
      const one = await pair("one");
      of.keys = [one.jwk, { kty: "oct", kid: "x", k: "a".repeat(1_000_000) }];
      const world = worldWith({ algorithms: ["ES256"], jwks: of.url, project: "project_a" });
      assert.equal(await statusOf(world, await token(world, {}, one.privateKey, { alg: "ES256", kid: "one" })), 401);
    }));

  test("takes no public key for a shared secret, whatever the header says", () =>
    issuer(async (of) => {
      const one = await pair("one");
      of.keys = [one.jwk];
      const world = worldWith({ algorithms: ["ES256", "HS256"], jwks: of.url, project: "project_a" });
      for (const octets of [JSON.stringify(one.jwk), `${one.jwk.x}`, JSON.stringify({ keys: of.keys })]) {
        const confused = await token(world, {}, new TextEncoder().encode(octets), { alg: "HS256", kid: "one" });
        assert.equal(await statusOf(world, confused), 401);
      }
      assert.equal(await statusOf(world, await token(world, {}, one.privateKey, { alg: "ES256", kid: "one" })), 200);
    }));

  test("a thousand tokens that name keys nobody has cost the issuer one question a minute", () =>
    issuer(async (of) => {
      const one = await pair("one");
      of.keys = [one.jwk];
      const world = worldWith({ algorithms: ["ES256"], jwks: of.url, project: "project_a" });
      const sample = await token(world, {}, one.privateKey, { alg: "ES256", kid: "one" });
      const [, ...rest] = sample.split(".");
      for (let i = 0; i < 1000; i++) {
        const header = Buffer.from(JSON.stringify({ alg: "ES256", kid: `nobody-${i}` })).toString("base64url");
        assert.equal(await statusOf(world, [header, ...rest].join(".")), 401);
      }
      assert.equal(of.asked, 1);
    }));

  test("where nobody answers a JWT is 401, and an API key is as good as ever", () =>
    issuer(async (of) => {
      const one = await pair("one");
      const gone = of.url.replace(/:\d+\//, ":1/");
      const world = worldWith({ algorithms: ["ES256"], jwks: gone, project: "project_a" });
      assert.equal(await statusOf(world, await token(world, {}, one.privateKey, { alg: "ES256", kid: "one" })), 401);
      assert.equal((await world.ask("/api/v1/ice-servers", { key: world.keyA })).status, 200);
    }));
});
