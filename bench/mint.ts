import { createHmac, randomBytes } from "node:crypto";
import { CredentialKeys } from "../src/credentials/credential-keys.ts";
import { mint } from "../src/credentials/credential.ts";
import { mintAnswer } from "../src/credentials/ice-servers.ts";
import { Secret } from "../src/lib/secret.ts";
import { makeWorld } from "../test/http/world.ts";
import { nanosecondsPer } from "./support/measure.ts";

const MOST_HMACS = 3;

// Of one mint: the arithmetic alone beside HMACs of as much, then with its answer, and the whole API from Request to Response.
const now = { monotonicMs: 0, unixMs: 1_718_196_400_000 };
const endpoints = { hostname: "relay.example.com", udp: 3478, tcp: 3478, tls: 443, relay: true };
const project = { id: "project_ab12", secret: new Secret(randomBytes(32)) };
const keys = new CredentialKeys(16);
const hmac = nanosecondsPer(50_000, (i) => {
  createHmac("sha1", project.secret.reveal())
    .update(`${1_718_196_460 + i}:project_ab12`)
    .digest("base64");
});
const pair = nanosecondsPer(50_000, (i) => {
  mint(keys.of(project, "eu-central"), { ttl: 60 + i }, now);
});
const alone = nanosecondsPer(20_000, (i) => {
  JSON.stringify(mintAnswer(mint(keys.of(project, "eu-central"), { ttl: 60 + i }, now), "eu-central", endpoints));
});

const world = makeWorld();
const REQUESTS = 5000;
let best = Infinity;
for (let round = 0; round < 5; round++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < REQUESTS; i++) await (await world.mint({ ttl: 60 + i })).text();
  best = Math.min(best, Number(process.hrtime.bigint() - start) / REQUESTS / 1000);
}
const hmacs = Math.round((100 * pair) / hmac) / 100;
process.stdout.write(
  `mint: ${pair} ns for a pair, ${hmacs} HMACs (at most ${MOST_HMACS}); ${alone} ns with its JSON; ` +
    `${Math.round(best)} µs from Request to Response\n`,
);
if (hmacs > MOST_HMACS) process.exitCode = 1;
