import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Gateway, type Minted, startGateway } from "../test/support/gateway.ts";
import { allocate, hangUp, hearsItself } from "../test/support/talk.ts";
import { Verdicts } from "./support/verdicts.ts";

const MOST_MS = 200;
const PAUSE_MS = 20;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const SECONDS = Number(values.seconds);

/** Another program holds the database for a minute: how long anybody waits at any door, beside how long without that. */
const verdicts = new Verdicts("locked-database");
const gateway = await startGateway();
const doors = doorsOf(gateway, await gateway.mint());
await knockAtAll(3);
const usual = await knockAtAll(Math.min(10, SECONDS));
const other = new DatabaseSync(join(gateway.configuration, "..", "state", "icebreaker.db"));
other.exec("begin exclusive");
const locked = await knockAtAll(SECONDS);
const { text } = await gateway.ask({ path: "/readyz", over: "metrics" });
verdicts.holds(`/readyz says so: ${text}`, JSON.parse(text).status === "degraded");
other.exec("rollback");
other.close();
for (const [door, longest] of locked) {
  const before = usual.get(door)?.toFixed(0);
  verdicts.atMost(`${door}, longest wait, ${before} ms without the lock`, Math.round(longest), MOST_MS, " ms");
}
const begun = performance.now();
while (JSON.parse((await gateway.ask({ path: "/readyz", over: "metrics" })).text).status !== "ready") await sleep(50);
verdicts.atMost("over by itself after", (performance.now() - begun) / 1000, 5, " s");
await gateway.stop();

/** Everything that somebody can ask, by what it is. */
function doorsOf(running: Gateway, pair: Minted): ReadonlyMap<string, () => Promise<unknown>> {
  const headers = { authorization: `Bearer ${running.key}` };
  const ask =
    (over: "http" | "tls" | "metrics", path: string, method = "GET") =>
    async (): Promise<void> => {
      const { status } = await running.ask({ over, path, method, headers });
      if (status !== 200) throw new Error(`${method} ${path} was answered ${status}`);
    };
  return new Map([
    ["POST /v1/credentials on listen.http", ask("http", "/v1/credentials", "POST")],
    ["POST /v1/credentials on listen.tls", ask("tls", "/v1/credentials", "POST")],
    ["GET /api/v1/ice-servers on listen.http", ask("http", "/api/v1/ice-servers")],
    ["GET /api/v1/ice-servers on listen.tls", ask("tls", "/api/v1/ice-servers")],
    ["POST /v1/credentials/revoke on listen.http", () => revoke(running, pair, "http")],
    ["POST /v1/credentials/revoke on listen.tls", () => revoke(running, pair, "tls")],
    ["GET /metrics", ask("metrics", "/metrics")],
    ["GET /readyz on listen.tls", ask("tls", "/readyz")],
    ["an allocation over UDP and a packet through it", () => call(running, pair, "udp")],
    ["an allocation over TLS and a packet through it", () => call(running, pair, "tls")],
  ]);
}

/** Of somebody who does not exist: written, or in force and told that it waits. */
async function revoke(running: Gateway, pair: Minted, over: "http" | "tls"): Promise<void> {
  const [, project] = pair.username.split(":");
  const headers = { authorization: `Bearer ${running.key}`, "content-type": "application/json" };
  const body = JSON.stringify({ username: `${Math.ceil(Date.now() / 1000)}:${project}:nobody` });
  const { status } = await running.ask({ over, path: "/v1/credentials/revoke", method: "POST", headers, body });
  if (status !== 204 && status !== 500) throw new Error(`A revocation was answered ${status}`);
}

async function call(running: Gateway, credentials: Minted, transport: "udp" | "tls"): Promise<void> {
  const talker = await allocate(await running.probe(transport, { credentials }));
  await hearsItself(talker);
  await hangUp(talker);
}

/** Knocks at each in turn for a while. @returns the longest wait at each, in milliseconds */
async function knockAtAll(seconds: number): Promise<Map<string, number>> {
  const longest = new Map<string, number>();
  for (const until = performance.now() + 1000 * seconds; performance.now() < until; await sleep(PAUSE_MS)) {
    for (const [door, knock] of doors) {
      const asked = performance.now();
      await knock();
      longest.set(door, Math.max(longest.get(door) ?? 0, performance.now() - asked));
    }
  }
  return longest;
}
