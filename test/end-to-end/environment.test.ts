import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { runToEnd } from "../support/child.ts";
import { executable } from "../support/executable.ts";
import { startGateway } from "../support/gateway.ts";
import { type Islander, mayMakeNamespaces, startOnIsland } from "../support/namespace.ts";
import { needs, unless } from "../support/needs.ts";
import { UNHURRIED, until } from "../support/shared.ts";

const ON_ISLAND = unless(mayMakeNamespaces, "only root may make a network", { required: false }) || needs("ip", "sysctl");
const START_MS = 15_000;
const SECRET = "a shared secret of 32 octets....";
const folders: string[] = [];

after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** Goal: with no configuration at all it serves, whatever the host lacks, and a line says what is otherwise than one would think. */
describe("without a configuration, as an ordinary user", () => {
  test("443 takes a privilege: 8443 instead, in one line, and the URLs carry it", { ...UNHURRIED, skip: ON_ISLAND }, async () => {
    const { child, check, place } = await settle({});
    assert.match(
      child.stderr(),
      /listen\.tls: \[::\]:443 was refused \(no privilege for port 443 [^)]*\)\): \[::\]:8443 instead, and the URLs carry it/,
    );
    assert.deepEqual(await check(), {
      "stun:127.0.0.1:3478": "ok",
      "turn:127.0.0.1:3478?transport=udp": "ok",
      "turn:127.0.0.1:3478?transport=tcp": "ok",
      "turns:127.0.0.1:8443?transport=tcp": "ok",
    });
    const { project } = JSON.parse(child.stdout());
    const minted = await runToEnd(await executable(), ["mint", project], { cwd: place, env: {} });
    assert.equal(JSON.parse(minted.stdout).iceServers[0].urls[3], "turns:127.0.0.1:8443?transport=tcp");
    assert.equal(await child.stop(), 0);
  });

  test("a default port in use: the next one, for each kind of listener", {
    ...UNHURRIED,
    skip: ON_ISLAND || needs("python3"),
  }, async () => {
    const squatter = `
      import socket, time
      kept = []
      for kind, port in ((socket.SOCK_DGRAM, 3478), (socket.SOCK_STREAM, 3478), (socket.SOCK_STREAM, 8443), (socket.SOCK_STREAM, 8080), (socket.SOCK_STREAM, 9641)):
          taken = socket.socket(socket.AF_INET, kind)
          taken.bind(("0.0.0.0", port))
          if kind == socket.SOCK_STREAM: taken.listen()
          kept.append(taken)
      open("squatting", "w").close()
      time.sleep(120)`.replaceAll("\n      ", "\n");
    const prepare = `{ python3 -c '${squatter.replaceAll("'", '"')}' >squatter.log 2>&1 & } && echo $! > squatter && while [ ! -e squatting ]; do sleep 0.05; done`;
    const { child, check, place } = await settle({ prepare });
    const squats = "in use by python3 \\(process \\d+\\)";
    for (const [kind, from, to] of [
      ["udp", "\\[::\\]:3478", "\\[::\\]:3479"],
      ["tcp", "\\[::\\]:3478", "\\[::\\]:3479"],
      ["http", "127\\.0\\.0\\.1:8080", "port 8081"],
      ["metrics", "127\\.0\\.0\\.1:9641", "port 9642"],
    ]) {
      assert.match(
        child.stderr(),
        new RegExp(
          `listen\\.${kind}: ${from} was refused \\(port \\d+ is (in use by another program|${squats})\\): ${to} instead`,
        ),
      );
    }
    assert.deepEqual(Object.values(await check()), ["ok", "ok", "ok", "ok"]);
    assert.ok("turns:127.0.0.1:8444?transport=tcp" in (await check()), "443 is refused, and 8443 taken");
    assert.equal(await child.stop(), 0);
    await runToEnd("sh", ["-c", "kill $(cat squatter)"], { cwd: place });
  });

  test("no IPv6: [::] means 0.0.0.0, and it relays", { ...UNHURRIED, skip: ON_ISLAND }, async () => {
    const { child, check } = await settle({ prepare: "sysctl -qw net.ipv6.conf.all.disable_ipv6=1" });
    assert.match(child.stderr(), /listen\.tls: 0\.0\.0\.0:443 was refused .*: 0\.0\.0\.0:8443 instead/);
    assert.deepEqual(Object.values(await check()), ["ok", "ok", "ok", "ok"]);
    assert.equal(await child.stop(), 0);
  });
});

describe("the environment", () => {
  test("Kubernetes' variables are none of ours; a slip is a warning that names the nearest", UNHURRIED, async () => {
    const gateway = await startGateway({
      env: {
        ICEBREAKER_PORT: "tcp://10.0.0.1:443",
        ICEBREAKER_PORT_443_TCP: "tcp://10.0.0.1:443",
        ICEBREAKER_SERVICE_HOST: "10.0.0.1",
        ICEBREAKER_SERVICE_PORT: "443",
        ICEBREAKER_CREDENTIALS_DEFAULT_TLL: "5",
        ICEBREAKER_CREDENTIALS_DEFAULT_TTL: "66",
      },
    });
    const slip =
      "ICEBREAKER_CREDENTIALS_DEFAULT_TLL is no setting and is ignored: did you mean ICEBREAKER_CREDENTIALS_DEFAULT_TTL?";
    assert.ok(gateway.child.stderr().includes(slip), gateway.child.stderr());
    assert.doesNotMatch(gateway.child.stderr(), /ICEBREAKER_(PORT|SERVICE)/);
    assert.equal((await gateway.mint()).ttl, 66);
    await gateway.stop();
  });

  test(
    "a secret in $CREDENTIALS_DIRECTORY counts, and `config` names where it lies and does not show it",
    UNHURRIED,
    async () => {
      const place = await folder();
      await writeFile(join(place, "jwt-secret"), `${SECRET}\n`, { mode: 0o600 });
      const env = { CREDENTIALS_DIRECTORY: place, ICEBREAKER_AUTH_JWT_SECRET_FILE: "jwt-secret" };
      const gateway = await startGateway({ env, settings: { auth: { jwt: { audience: "us" } } } });
      const [project = ""] = /project_[a-z0-9]+/.exec((await gateway.mint()).username) ?? [];
      const headers = { authorization: `Bearer ${token({ aud: "us", project })}` };
      assert.equal((await gateway.ask({ path: "/api/v1/ice-servers", headers })).status, 200);
      assert.equal((await gateway.ask({ path: "/api/v1/ice-servers", headers, over: "tls" })).status, 200);
      await gateway.stop();
      await config(place, env, `ICEBREAKER_AUTH_JWT_SECRET_FILE, ${place}/jwt-secret`);
    },
  );
});

/** Looks at `icebreaker config` as JSON and as the table of a terminal. */
async function config(place: string, env: NodeJS.ProcessEnv, source: string): Promise<void> {
  const path = await executable();
  const database = { ICEBREAKER_DATABASE_URL: "postgres://u:hunter2@db.example.com/d?sslkey=hunter2" };
  const all = { PATH: process.env["PATH"], ...env, ...database };
  const json = await runToEnd(path, ["config"], { cwd: place, env: all });
  const rows: { key: string; value: unknown; source: string }[] = JSON.parse(json.stdout);
  const row = (key: string) => rows.find((each) => each.key === key);
  assert.deepEqual(row("auth.jwt.secret"), { key: "auth.jwt.secret", value: "***", source });
  assert.equal(row("database.url")?.value, "postgres://u:***@db.example.com/d?sslkey=***");
  assert.deepEqual(row("listen.udp"), { key: "listen.udp", value: ["[::]:3478"], source: "default" });

  if (needs("script") !== false) return;
  const table = await runToEnd("script", ["-qec", `${path} config`, "/dev/null"], { cwd: place, env: all });
  assert.match(table.stdout, /^key +value +from\r?\n/);
  assert.match(table.stdout, /auth\.jwt\.secret +"\*\*\*" +ICEBREAKER_AUTH_JWT_SECRET_FILE/);
  for (const { stdout, stderr } of [json, table]) {
    assert.ok(!`${stdout}${stderr}`.includes("hunter2"));
    assert.ok(!`${stdout}${stderr}`.includes(SECRET));
  }
}

function token(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256" })}.${part({ ...claims, exp: Math.floor(Date.now() / 1000) + 300 })}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

interface Settled extends Pick<Islander, "child"> {
  readonly place: string;
  /** What `icebreaker check` says of each URL. */
  check(): Promise<Readonly<Record<string, string>>>;
}

/** Serves as `nobody` with no configuration, in a folder and on an island of its own. */
async function settle({ prepare = "true" }: { prepare?: string }): Promise<Settled> {
  const place = await folder();
  const path = await executable();
  const env = { PATH: process.env["PATH"] };
  const { child, beside } = startOnIsland([path, "serve"], { cwd: place, env, prepare });
  await child.says(/"msg":"Serving"/, START_MS);
  await until(() => child.stdout().includes("ibk_"), START_MS, "The first key");
  return {
    child,
    place,
    async check() {
      const { stdout, stderr } = await beside(path, "check", "--ca", join(place, "state/self-signed.pem"));
      assert.notEqual(stdout, "", stderr);
      const trials: { url: string; problem?: string }[] = JSON.parse(stdout);
      return Object.fromEntries(trials.map(({ url, problem }) => [url, problem ?? "ok"]));
    },
  };
}

/** A folder that anybody may write to, gone afterwards. */
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "icebreaker-environment-"));
  await chmod(path, 0o777);
  folders.push(path);
  return path;
}
