import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HOSTNAME, startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED, until } from "../support/shared.ts";

const CHANGE_MS = 1000; // what the contract gives a change of keys or projects to reach a gateway

describe("the API of the built executable", () => {
  const gateway = shared(() => startGateway());

  /** The URLs that both pages promise, with this gateway's ports. */
  const urls = ({ udp, tcp, tls }: { udp: number; tcp: number; tls: number }) => ({
    stun: `stun:${HOSTNAME}:${udp}`,
    udp: `turn:${HOSTNAME}:${udp}?transport=udp`,
    tcp: `turn:${HOSTNAME}:${tcp}?transport=tcp`,
    tls: `turns:${HOSTNAME}:${tls}?transport=tcp`,
    bare: `turn:${HOSTNAME}:${udp}`,
  });

  for (const over of ["http", "tls"] as const) {
    test(`POST /v1/credentials over ${over}: one pair, four URLs, never cached`, UNHURRIED, async () => {
      const { ports, key } = await gateway();
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const body = JSON.stringify({ ttl: 600, label: "alice" });
      const reply = await (await gateway()).ask({ path: "/v1/credentials", method: "POST", headers, body, over });
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.headers["cache-control"], "no-store");
      assert.ok(reply.headers["x-request-id"]);

      const answer = JSON.parse(reply.text);
      const [, expiry = ""] = /^(\d+):project_[a-z0-9]+:alice$/.exec(answer.username) ?? [];
      assert.ok(Math.abs(Number(expiry) - (Date.now() / 1000 + 600)) < 5, answer.username);
      assert.match(answer.credential, /^[A-Za-z0-9+/]{27}=$/);
      const { stun, udp, tcp, tls } = urls(ports);
      const { username, credential } = answer;
      assert.deepEqual(answer, {
        username,
        credential,
        ttl: 600,
        region: "us-east",
        iceServers: [{ urls: [stun, udp, tcp, tls], username, credential }],
      });
    });

    test(
      `GET /api/v1/ice-servers over ${over}: STUN, and a pair for a day, for a key in the header or as ?token=`,
      UNHURRIED,
      async () => {
        const { ports, key } = await gateway();
        const { stun, bare, tcp, tls } = urls(ports);
        for (const how of [{ headers: { authorization: `Bearer ${key}` } }, { token: `?token=${key}` }]) {
          const path = `/api/v1/ice-servers${how.token ?? ""}`;
          const reply = await (await gateway()).ask({ path, over, ...(how.headers ? { headers: how.headers } : {}) });
          assert.equal(reply.status, 200, reply.text);
          assert.equal(reply.headers["cache-control"], "no-store");
          const { iceServers } = JSON.parse(reply.text);
          const { username, credential } = iceServers[1];
          assert.deepEqual(iceServers, [{ urls: [stun] }, { urls: [bare, tcp, tls], username, credential }]);
          assert.ok(Math.abs(Number.parseInt(username, 10) - (Date.now() / 1000 + 86_400)) < 5, username);
        }
        assert.ok(!(await gateway()).child.stderr().includes(key), "the token is in the log");
      },
    );
  }

  const refused = [
    { why: "no key", headers: {}, body: "{}", status: 401, code: "unauthorized" },
    { why: "an unknown key", headers: { authorization: "Bearer ibk_unknown" }, body: "{}", status: 401, code: "unauthorized" },
    { why: "a ttl of 0", body: '{"ttl":0}', status: 400, code: "invalid_ttl" },
    { why: "a ttl beyond the maximum", body: '{"ttl":172801}', status: 400, code: "invalid_ttl" },
    { why: "a text as ttl", body: '{"ttl":"600"}', status: 400, code: "invalid_body" },
    { why: "an unknown key of the body", body: '{"tll":600}', status: 400, code: "invalid_body" },
    { why: "no JSON", body: "{", status: 400, code: "invalid_body" },
    { why: "an unknown region", body: '{"region":"mars-north"}', status: 400, code: "unknown_region" },
    { why: "a region without a gateway", body: '{"region":"ap-sydney"}', status: 503, code: "region_unavailable" },
    { why: "a label of other characters", body: '{"label":"a b"}', status: 400, code: "invalid_label" },
    { why: "no transports", body: '{"transports":[]}', status: 400, code: "invalid_body" },
  ];
  for (const { why, headers, body, status, code } of refused) {
    test(`POST /v1/credentials with ${why} is ${status} ${code}`, UNHURRIED, async () => {
      const { key } = await gateway();
      const path = "/v1/credentials";
      const whose = headers ?? { authorization: `Bearer ${key}` };
      const reply = await (await gateway()).ask({
        path,
        method: "POST",
        headers: { "content-type": "application/json", ...whose },
        body,
      });
      assert.equal(reply.status, status, reply.text);
      assert.match(reply.headers["content-type"] ?? "", /^application\/problem\+json/);
      const problem = JSON.parse(reply.text);
      assert.equal(problem.code, code);
      assert.equal(problem.status, status);
      for (const field of ["type", "title", "detail"]) assert.equal(typeof problem[field], "string", field);
    });
  }

  test("other paths and methods are problems too, with or without TLS", UNHURRIED, async () => {
    for (const over of ["http", "tls"] as const) {
      assert.equal((await (await gateway()).ask({ path: "/nothing", over })).status, 404);
      assert.equal((await (await gateway()).ask({ path: "/v1/credentials", over })).status, 405);
      assert.equal((await (await gateway()).ask({ path: "/", over })).status, 200);
    }
  });

  test("health, readiness and metrics", UNHURRIED, async () => {
    const { ask } = bound(await gateway());
    assert.equal((await ask({ path: "/healthz", over: "metrics" })).status, 200);
    assert.deepEqual(JSON.parse((await ask({ path: "/readyz" })).text), { status: "ready", problems: [] });
    assert.match((await ask({ path: "/metrics", over: "metrics" })).text, /^icebreaker_\w+(\{.*\})? [\d.e+]+$/m);
    assert.equal((await ask({ path: "/metrics" })).status, 404, "only on listen.metrics");
  });

  test("the first run prints one key, once, to stdout", UNHURRIED, async () => {
    const { child, key } = await gateway();
    assert.equal(child.stdout().split(key).length, 2);
    assert.ok(!child.stderr().includes(key));
  });

  test(
    "a project and a key made beside the running gateway mint within a second; a revoked key is 401 within a second",
    UNHURRIED,
    async () => {
      const running = await gateway();
      const project = JSON.parse((await succeed(running.run("project", "create", "beside", "--json"))).stdout);
      const made = JSON.parse((await succeed(running.run("key", "create", project.id, "--json"))).stdout);
      await until(() => mints(running, made.key), CHANGE_MS, "The new key");
      await succeed(running.run("key", "revoke", made.id));
      await until(async () => !(await mints(running, made.key)), CHANGE_MS, "The revocation");
      assert.ok(await mints(running, running.key), "the first key still mints");
    },
  );

  test("icebreaker mint gives a pair that the gateway takes", UNHURRIED, async () => {
    const running = await gateway();
    const [project = ""] = /project_[a-z0-9]+/.exec((await running.mint()).username) ?? [];
    const minted = JSON.parse((await succeed(running.run("mint", project, "--label", "bob"))).stdout);
    assert.deepEqual(minted.iceServers[0].urls, (await running.mint()).iceServers[0]?.urls);
    const probe = await running.probe("udp", { credentials: minted });
    await probe.must({ kind: "allocate" });
    await probe.must({ kind: "refresh", lifetimeSeconds: 0 });
    probe.close();
  });

  test("icebreaker check uses every URL and finds nothing wrong", UNHURRIED, async () => {
    const running = await gateway();
    const { ports, key, authority } = running;
    const flags = ["--url", `http://127.0.0.1:${ports.http}`, "--key", key, "--at", "127.0.0.1", "--ca", authority.file];
    const { code, stdout, stderr } = await running.run("check", ...flags);
    assert.equal(code, 0, stdout + stderr);
    const trials = JSON.parse(stdout);
    assert.equal(trials.length, 4);
    for (const trial of trials) assert.equal(trial.problem, undefined, trial.url);
    assert.ok(trials[3].chain[0].notAfter);
  });
});

type Running = Awaited<ReturnType<typeof startGateway>>;

function bound(running: Running): { ask: Running["ask"] } {
  return { ask: (question) => running.ask(question) };
}

async function mints(running: Running, key: string): Promise<boolean> {
  return running.mint({}, key).then(
    () => true,
    () => false,
  );
}

async function succeed<T extends { code: number | null; stderr: string }>(run: Promise<T>): Promise<T> {
  const result = await run;
  assert.equal(result.code, 0, result.stderr);
  return result;
}
