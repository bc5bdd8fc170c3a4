import { readFileSync } from "node:fs";
import { makeWorld } from "../../test/http/world.ts";

/** The API as Bun would serve it over TLS by itself: what the shared port is measured against. A process of its own. */
const [certificate = "", key = ""] = process.argv.slice(2);
const world = makeWorld();
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  tls: { cert: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") },
  fetch: (request) => world.app.fetch(request, { address: "127.0.0.1" }),
});
process.stdout.write(`${JSON.stringify({ port: server.port, key: world.keyA })}\n`);
