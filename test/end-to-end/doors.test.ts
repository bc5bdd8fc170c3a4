import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED } from "../support/shared.ts";

const DOORS = ["http", "tls"] as const;
const ORIGIN = "https://app.example.com";
const ICE = "/api/v1/ice-servers";

/** Goal: the API is the same behind both of its doors, whichever thread answers. */
describe("the API over listen.http and over listen.tls", () => {
  const gateway = shared(() => startGateway({ settings: { http: { cors_origins: [ORIGIN] } } }));

  test("every answer has an id of its own, also those to mistakes", UNHURRIED, async () => {
    const { ask } = bound(await gateway());
    const ids = new Set<string>();
    const questions = ["/", "/docs", "/openapi.json", "/v1/regions", "/healthz", "/readyz", ICE, "/nothing", "/v1/credentials"];
    for (const over of DOORS) {
      for (const path of questions) {
        const id = (await ask({ path, over })).headers["x-request-id"];
        assert.match(`${id}`, /^[A-Za-z0-9_-]{8,}$/, path);
        ids.add(`${id}`);
      }
    }
    assert.equal(ids.size, DOORS.length * questions.length);
  });

  test("HEAD has the headers of GET and no body", UNHURRIED, async () => {
    const { ask } = bound(await gateway());
    for (const over of DOORS) {
      for (const path of ["/", "/docs", "/openapi.json", "/v1/regions", "/healthz", "/readyz"]) {
        const [get, head] = [await ask({ path, over }), await ask({ path, over, method: "HEAD" })];
        assert.deepEqual([head.status, head.text], [get.status, ""], path);
        assert.equal(head.headers["content-type"], get.headers["content-type"], path);
        assert.equal(Number(head.headers["content-length"]), Buffer.byteLength(get.text), path);
      }
    }
  });

  test("CORS is for GET /api/v1/ice-servers alone, for the named origins alone, for errors too", UNHURRIED, async () => {
    const running = await gateway();
    const allowed = async (over: "http" | "tls", path: string, method: string, more: Record<string, string> = {}) => {
      const { status, headers } = await running.ask({ path, method, over, headers: { origin: ORIGIN, ...more } });
      return `${status} ${headers["access-control-allow-origin"] ?? "closed"}`;
    };
    const key = { authorization: `Bearer ${running.key}` };
    for (const over of DOORS) {
      assert.equal(await allowed(over, ICE, "GET", key), `200 ${ORIGIN}`);
      assert.equal(await allowed(over, ICE, "GET"), `401 ${ORIGIN}`);
      assert.equal(await allowed(over, ICE, "DELETE"), `405 ${ORIGIN}`);
      assert.equal(await allowed(over, ICE, "OPTIONS"), `204 ${ORIGIN}`);
      assert.equal(await allowed(over, ICE, "GET", { ...key, origin: "https://evil.example.com" }), "200 closed");
      assert.equal(await allowed(over, ICE, "OPTIONS", { origin: "https://evil.example.com" }), "204 closed");
      assert.equal(await allowed(over, "/v1/credentials", "POST", key), "200 closed");
      assert.equal(await allowed(over, "/v1/credentials", "OPTIONS", key), "405 closed");
      assert.equal(await allowed(over, "/v1/regions", "GET"), "200 closed");
    }
  });

  test("every 401 is the same octets, whatever is wrong", UNHURRIED, async () => {
    const running = await gateway();
    const key = running.key;
    const wrong = [
      undefined,
      "Bearer ",
      "Basic YTpi",
      `Bearer ${key}x`,
      `Bearer ${key.slice(0, -1)}`,
      "Bearer a.b.c",
      `Bearer ibk_${"A".repeat(40)}`,
    ];
    const seen = new Set<string>();
    for (const over of DOORS) {
      for (const [path, method] of [
        [ICE, "GET"],
        ["/v1/credentials", "POST"],
        ["/v1/credentials/revoke", "POST"],
      ] as const) {
        for (const authorization of wrong) {
          const headers = authorization === undefined ? {} : { authorization };
          const reply = await running.ask({ path, method, over, headers });
          assert.equal(reply.headers["www-authenticate"], "Bearer");
          seen.add(`${reply.status} ${reply.text}`);
        }
      }
    }
    assert.equal(seen.size, 1);
  });

  test("mints of a key are counted over all doors and threads, another key's apart", UNHURRIED, async () => {
    const limited = await startGateway({ settings: { limits: { mints_per_key_per_minute: 12 } } });
    const project = /project_[a-z0-9]+/.exec((await limited.mint()).username)?.[0] ?? "";
    const mint = (over: "http" | "tls", key: string) =>
      limited.ask({ path: "/v1/credentials", method: "POST", over, headers: { authorization: `Bearer ${key}` } });
    const replies = await Promise.all(Array.from({ length: 60 }, (_, i) => mint(i % 3 === 0 ? "http" : "tls", limited.key)));
    const good = replies.filter(({ status }) => status === 200).length;
    assert.ok(good === 11 || good === 12, `${good} more than the first`); // one may have come back meanwhile
    for (const { status, headers, text } of replies.filter((reply) => reply.status !== 200)) {
      assert.deepEqual([status, JSON.parse(text).code], [429, "rate_limited"]);
      assert.ok(Number(headers["retry-after"]) >= 1 && Number(headers["retry-after"]) <= 60, `${headers["retry-after"]}`);
    }
    const other = JSON.parse((await limited.run("key", "create", project)).stdout).key;
    let status = 0;
    for (const end = Date.now() + 2000; status !== 200 && Date.now() < end; ) status = (await mint("tls", other)).status;
    assert.equal(status, 200);
    await limited.stop();
  });
});

type Running = Awaited<ReturnType<typeof startGateway>>;

function bound(running: Running): { ask: Running["ask"] } {
  return { ask: (question) => running.ask(question) };
}
