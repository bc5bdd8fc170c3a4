import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import type { App } from "../../src/http/app.ts";
import { HttpServer, type HttpServerOptions } from "../../src/http/server.ts";
import { makeWorld } from "./world.ts";

const DEADLINE_MS = 4000;
const brisk = { headerMs: 150, bodyMs: 150, answerMs: 1000, idleMs: 300 };

/** A listening server for the time of a test. */
async function serving(
  app: App,
  options: HttpServerOptions,
  use: (port: number, server: HttpServer) => Promise<void>,
): Promise<void> {
  const server = new HttpServer(app, options);
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  try {
    await use(port, server);
  } finally {
    await server.close();
  }
}

/** Everything a server says on a connection until it ends it, or until `enough` is there. */
function conversation(socket: Socket, enough?: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`The connection is still open after: ${text}`)), DEADLINE_MS);
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    socket.on("data", (piece) => {
      text += piece;
      if (enough?.(text)) finish();
    });
    socket.on("error", finish).on("close", finish);
  });
}

/** Sends octets as they stand, and collects the answer. */
function raw(port: number, text: string, enough?: (text: string) => boolean): Promise<string> {
  const socket = connect(port, "127.0.0.1", () => socket.write(text));
  return conversation(socket, enough);
}

const { app, keyA, mint } = makeWorld();
const close = "Connection: close\r\n";
const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = ""]) => status);

/** An API that says what it was asked, and by whom. */
const echo: App = {
  fetch: async (request, { address }) =>
    new Response(`${request.method} ${new URL(request.url).pathname} ${address} ${await request.text()}`),
};

describe("HttpServer", () => {
  test("answers over a socket what the API answers", () =>
    serving(app, {}, async (port) => {
      const init = {
        method: "POST",
        headers: { authorization: `Bearer ${keyA}`, "content-type": "application/json" },
        body: '{"ttl":60}',
      };
      const response = await fetch(`http://127.0.0.1:${port}/v1/credentials`, init);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), await (await mint({ ttl: 60 })).text());
      assert.match(response.headers.get("x-request-id") ?? "", /^request-/);
    }));

  test("answers HEAD with a length and without a body, and goes on", () =>
    serving(app, {}, async (port) => {
      const text = await raw(port, `HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n${close}\r\n`);
      const [head = "", ...rest] = text.split("\r\n\r\n");
      assert.match(head, /content-length: [1-9]\d+/i);
      assert.match(rest.join(""), /^HTTP\/1\.1 200 OK[\s\S]*\{"status":"ok"\}$/);
    }));

  test("answers pipelined requests in their order", () =>
    serving(echo, {}, async (port) => {
      const requests = ["/a", "/b", "/c"].map((path) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi`);
      const text = await raw(port, requests.join(""), (so) => so.includes("/c"));
      assert.deepEqual(text.match(/POST \/\w/g), ["POST /a", "POST /b", "POST /c"]);
    }));

  test("reads a body in chunks", () =>
    serving(echo, {}, async (port) => {
      const text = await raw(
        port,
        `POST /a HTTP/1.1\r\nHost: x\r\n${close}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`,
      );
      assert.match(text, /hello$/);
    }));

  test("answers 413 to a long body without reading it, and closes", () =>
    serving(app, {}, async (port) => {
      const header = `POST /v1/credentials HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keyA}\r\nContent-Type: application/json\r\n`;
      const text = await raw(port, `${header}Content-Length: 10000000\r\n\r\n${"x".repeat(200_000)}`, (so) => so.includes("}"));
      assert.deepEqual(statuses(text), ["413"]);
      assert.match(text, /connection: close/i);
      assert.match(text, /payload_too_large/);
    }));

  test("answers 400 to what is not HTTP, and closes", () =>
    serving(app, {}, async (port) => {
      for (const knock of ["\x16\x03\x01\x02\x00\x01\r\n\r\n", "hello\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n"]) {
        assert.deepEqual(statuses(await raw(port, knock)), ["400"], JSON.stringify(knock));
      }
    }));

  test("answers odd targets and methods, and never fails", () =>
    serving(echo, {}, async (port) => {
      const ask = async (line: string): Promise<string> => raw(port, `${line} HTTP/1.1\r\nHost: x\r\n${close}\r\n`);
      assert.match(await ask("GET http://other.example.com/a?b"), /GET \/a 127/);
      assert.match(await ask("GET //evil.example.com/a"), /GET \/\/evil.example.com\/a 127/);
      for (const method of ["TRACE", "PROPFIND", "PURGE"]) assert.match(await ask(`${method} /a`), /PUT \/a 127/);
      assert.deepEqual(statuses(await ask("OPTIONS *")), ["400"]);
      assert.ok(!(await ask("CONNECT example.com:443")).includes(" 200 "));
      assert.match(await ask("GET /a%zz"), /GET \/a%zz 127/);
    }));

  test("believes X-Forwarded-For from a proxy of ours alone", async () => {
    const request = `GET /a HTTP/1.1\r\nHost: x\r\n${close}X-Forwarded-For: 198.51.100.9, 203.0.113.5, 10.0.0.1\r\n\r\n`;
    await serving(echo, {}, async (port) => assert.match(await raw(port, request), /GET \/a 127\.0\.0\.1/));
    const isTrustedProxy = (address: string): boolean => address.endsWith("127.0.0.1") || address.startsWith("10.");
    await serving(echo, { isTrustedProxy }, async (port) => assert.match(await raw(port, request), /GET \/a 203\.0\.113\.5/));
  });
});

describe("time-outs", () => {
  test("a silent connection, a slow header, and a slow second header end", () =>
    serving(app, { timeouts: brisk }, async (port) => {
      assert.equal(await raw(port, ""), "");
      const slow = connect(port, "127.0.0.1");
      const drip = setInterval(() => slow.write("a"), 20);
      slow.write("GET / HTTP/1.1\r\nX-Slow: ");
      assert.ok(!(await conversation(slow)).includes(" 200 "));
      clearInterval(drip);
      const first = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
      assert.deepEqual(statuses(await raw(port, `${first}GET / HT`)), ["200"]);
    }));

  test("a body that does not come ends", () =>
    serving(app, { timeouts: brisk }, async (port) => {
      const text = await raw(port, "POST /v1/credentials HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
      assert.ok(!text.includes(" 200 "));
    }));

  const skip = process.versions.deno ? "Deno ends an adopted plain connection after one answer" : false;
  test("an idle connection ends, one in use does not", { skip }, () =>
    serving(app, { timeouts: brisk }, async (port) => {
      const socket = connect(port, "127.0.0.1");
      const request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
      socket.write(request);
      let again = 3;
      socket.on("data", () => again-- > 0 && setTimeout(() => socket.write(request), 120));
      assert.deepEqual(statuses(await conversation(socket)), ["200", "200", "200", "200"]);
    }),
  );
});

describe("adopted sockets", () => {
  /** A listener that is not the server's, whose sockets it adopts after the first octets were read. */
  async function adopting(server: HttpServer, use: (port: number) => Promise<void>): Promise<void> {
    const listener = createServer((socket) => {
      socket.once("readable", () => {
        const first = socket.read();
        if (first) socket.unshift(first);
        server.adopt(socket);
      });
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const address = listener.address();
    try {
      await use(typeof address === "object" && address !== null ? address.port : 0);
    } finally {
      listener.close();
      await server.close();
    }
  }

  test("are answered like its own", () =>
    adopting(new HttpServer(app), async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/healthz`);
      assert.equal(await response.text(), '{"status":"ok"}');
      const request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
      const text = await raw(port, request + request, (so) => statuses(so).length === 2 && so.endsWith("}"));
      assert.deepEqual(statuses(text), ["200", "200"]);
    }));

  test("have the same time-outs", () =>
    adopting(new HttpServer(app, { timeouts: brisk }), async (port) => {
      assert.ok(!(await raw(port, "GET / HTTP/1.1\r\nX-Slow: a")).includes(" 200 "));
      assert.deepEqual(statuses(await raw(port, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")), ["200"]);
    }));
});

test("close lets an answer finish, and ends what is idle", async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const slow: App = {
    fetch: async () => {
      begun.resolve();
      await go.promise;
      return new Response("late but whole");
    },
  };
  const server = new HttpServer(slow);
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  const busy = raw(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const idle = raw(port, "");
  await begun.promise;
  const closed = server.close();
  assert.equal(await idle, "");
  go.resolve();
  assert.match(await busy, /late but whole$/);
  await closed;
});
