/**
 * A back end with one address, `GET /ice`: ICE servers for whoever is logged in.
 *
 *     RELAY_API=https://relay.example.com RELAY_KEY=ibk_… PORT=3000 node server.mjs
 */
import { createServer } from "node:http";
import { iceFor } from "./ice.mjs";

const server = createServer(async (request, response) => {
  const reply = (status, body) => {
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(body));
  };
  if (request.url !== "/ice") return reply(404, { error: "not found" });
  const user = userOf(request);
  if (user === undefined) return reply(401, { error: "log in first" });
  try {
    reply(200, await iceFor(user));
  } catch (error) {
    // The reason is for you; to the browser it is one of your back end's troubles.
    process.stderr.write(`${error}\n`);
    reply(502, { error: "no relay now" });
  }
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}/ice\n`);
});

/** Stands for your own log-in, which must be a session that the browser cannot make up: this cookie anybody can. */
function userOf(request) {
  return /(?:^|; )user=([A-Za-z0-9._@-]{1,128})(?:;|$)/.exec(request.headers.cookie ?? "")?.[1];
}
