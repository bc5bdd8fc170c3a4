import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { FakeWorld } from "./fake-world.ts";

/** Nobody listens on port 1 of this machine: a TURN URL over TCP that is refused at once. */
const REFUSED = "turn:127.0.0.1:1?transport=tcp";

describe("icebreaker check", () => {
  const wrong = [
    { why: "--url without --key", argv: ["--url", "https://relay.example.com"] },
    { why: "--username without --credential", argv: ["--url", "turn:h", "--username", "u"] },
    { why: "--username with a base URL", argv: ["--url", "https://h", "--username", "u", "--credential", "c"] },
    { why: "a base that is no URL", argv: ["--url", "relay", "--key", "ibk_x"] },
  ];
  for (const { why, argv } of wrong) {
    test(`${why} is misuse`, async () => {
      await using world = new FakeWorld();
      const { code, stderr } = await world.run(["check", ...argv]);
      assert.equal(code, 2, stderr);
    });
  }

  test("says that no gateway runs where none does", async () => {
    await using world = await FakeWorld.withDatabase();
    const { code, stderr } = await world.run(["check"]);
    assert.equal(code, 1);
    assert.match(stderr, /No gateway of this database is running/);
  });

  test("a URL that fails is told, and is exit code 1", async () => {
    await using world = new FakeWorld();
    const { code, json } = await world.run(["check", "--url", REFUSED, "--username", "u", "--credential", "c"]);
    assert.equal(code, 1);
    assert.equal(Array.isArray(json) && json.length, 1);
    assert.match(JSON.stringify(json), /"problem":".*(refused|ECONNREFUSED)/i);
  });

  test("mints over HTTP and checks every URL of the answer", async () => {
    await using world = new FakeWorld();
    await using api = await fakeApi(200, {
      iceServers: [{ urls: [REFUSED, "turn:h?transport=sctp"], username: "u", credential: "c" }],
    });
    const { code, json } = await world.run(["check", "--url", api.base, "--key", "ibk_x"]);
    assert.equal(code, 1);
    assert.equal(Array.isArray(json) && json.length, 2);
    assert.deepEqual(api.asked, ["POST /v1/credentials Bearer ibk_x"]);
  });

  test("a mint that is refused says why", async () => {
    await using world = new FakeWorld();
    await using api = await fakeApi(401, { code: "unauthorized", detail: "A valid API key is required" });
    const { code, stderr } = await world.run(["check", "--url", api.base, "--key", "ibk_x"]);
    assert.equal(code, 1);
    assert.match(stderr, /answered 401 to POST \/v1\/credentials: A valid API key is required/);
  });
});

async function fakeApi(status: number, answer: unknown): Promise<AsyncDisposable & { base: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    base: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
