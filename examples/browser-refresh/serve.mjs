/**
 * Serves the page and its ICE servers, which live for `TTL` seconds, so that one need not wait long to see them renewed.
 *
 *     RELAY_API=https://relay.example.com RELAY_KEY=ibk_… TTL=20 node serve.mjs
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { iceFor } from "../backend-node/ice.mjs";

const ttl = Number(process.env.TTL ?? 20);
const FILES = {
  "/": ["index.html", "text/html"],
  "/call.mjs": ["call.mjs", "text/javascript"],
  "/keep-fresh.mjs": ["keep-fresh.mjs", "text/javascript"],
  "/negotiate.mjs": ["negotiate.mjs", "text/javascript"],
};

const server = createServer(async (request, response) => {
  const reply = (status, type, body) =>
    response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
  try {
    const [name, type] = FILES[request.url] ?? [];
    if (request.url === "/ice") reply(200, "application/json", JSON.stringify(await iceFor("visitor", { ttl })));
    else if (name === undefined) reply(404, "text/plain", "There is nothing here\n");
    else reply(200, type, await readFile(new URL(name, import.meta.url)));
  } catch (error) {
    process.stderr.write(`${error}\n`);
    reply(502, "application/json", '{"error":"no relay now"}');
  }
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}/\n`);
});
