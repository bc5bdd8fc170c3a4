import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { runToEnd } from "../support/child.ts";
import { executable } from "../support/executable.ts";
import { UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself } from "../support/talk.ts";

const JWT_SECRET = "canary-jwt-secret-which-is-long-enough";
const RUBBISH = "canary-of-a-stranger";

/** Secrets by what they are. */
type Canaries = Map<string, string>;

function assertSilent(canaries: Canaries, text: string, where: string): void {
  for (const [what, canary] of canaries) {
    assert.ok(canary.length >= 8, what);
    assert.ok(!text.includes(canary), `${where} holds ${what}:\n${lineWith(text, canary)}`);
  }
}

function lineWith(text: string, canary: string): string {
  return text.split("\n").find((line) => line.includes(canary)) ?? "";
}

/**
 * Goal: no secret is in anything that a gateway writes or says, whatever is done to it.
 *
 * Method: every secret that goes in is a canary, or is made one when it comes out; all output at `trace` is searched for
 * all of them, after use, misuse, a reload that fails, and a crash.
 */
describe("secrets", () => {
  test("are in no log, metric, problem, crash or configuration", UNHURRIED, async () => {
    const jwt = { secret: JWT_SECRET, issuer: "https://id.example.com", audience: "icebreaker" };
    const gateway = await startGateway({ settings: { log: { level: "trace" }, auth: { jwt } } });
    try {
      const canaries: Canaries = new Map([
        ["the JWT secret", JWT_SECRET],
        ["a line of the TLS key", (await readFile(gateway.files.key, "utf8")).split("\n")[1] ?? ""],
        ["what a stranger sent as a token", RUBBISH],
      ]);
      const said = [
        await useAndMisuse(gateway, canaries),
        (await gateway.run("config")).stdout,
        (await gateway.run("systemd")).stdout,
      ];
      await gateway.reconfigure({ auth: { jwt: { ...jwt, algorithms: ["none"] } } });
      await until(() => /stays as it was/.test(gateway.child.stderr()), 5000, "A reload that fails");

      gateway.child.process.kill("SIGSEGV");
      await gateway.child.ended;
      const keyOnce = gateway.child.stdout().replace(gateway.key, "");
      canaries.set("the API key", gateway.key);
      for (const text of [...said, keyOnce, gateway.child.stderr()]) assertSilent(canaries, text, "Something it said");
      assert.match(gateway.child.stderr(), /"level":"debug"/, "it did log");
    } finally {
      await gateway.child.stop("SIGKILL");
      await gateway.remove();
    }
  });

  test("are in no complaint about them", UNHURRIED, async () => {
    const canary = "canary-in-a-wrong-place";
    const folder = await mkdtemp(join(tmpdir(), "icebreaker-secrets-"));
    const file = join(folder, "icebreaker.toml");
    const key = join(folder, "key.pem");
    await writeFile(key, `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----\n`);
    const jwt = '[auth.jwt]\nissuer = "https://id.example.com"\naudience = "x"\n';
    const wrong: readonly [string, string, Record<string, string>?][] = [
      ["a string without its end", `${jwt}secret = "${canary}\n`],
      ["a key without quotes", `${jwt}secret = ${canary}\n`],
      ["a secret that is too short", `${jwt}secret = "${canary}"\n`],
      ["a list for a secret", `${jwt}secret = ["${canary}"]\n`],
      ["a misspelt key", `${jwt}secert = "${canary}"\n`],
      ["a database of no kind", `[database]\nurl = "mysql://root:${canary}@127.0.0.1/x"\n`],
      ["a database that is not there", `[database]\nurl = "postgres://root:${canary}@127.0.0.1:1/x"\n`],
      ["a database whose URL is none", `[database]\nurl = "postgres://root:${canary}#@[::/x"\n`],
      ["a TLS key that is none", `[tls]\ncertificate = "${key}"\nkey = "${key}"\n`],
      ["a misspelt variable", "relay = 1\n", { ICEBREAKER_AUTH_JWT_SECRETT: canary }],
      ["a variable with a wrong database", "", { ICEBREAKER_DATABASE_URL: `postgers://root:${canary}@127.0.0.1/x` }],
    ];
    try {
      for (const [what, text, environment = {}] of wrong) {
        await writeFile(file, `state_dir = "${folder}/state"\n${text}`);
        const env = { PATH: process.env["PATH"] ?? "", ...environment };
        const { code, stdout, stderr } = await runToEnd(await executable(), ["serve", "--config", file], { env, cwd: folder });
        assert.notEqual(code, 0, `${what} is no reason to refuse:\n${stdout}${stderr}`);
        assertSilent(new Map([[what, canary]]), stdout + stderr, "The complaint");
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** What users and strangers do, on every door. @returns what was answered, but for what was asked for */
async function useAndMisuse(gateway: Gateway, canaries: Canaries): Promise<string> {
  const answers: string[] = [];
  const minted = await gateway.mint({ label: "alice" });
  canaries.set("a credential", minted.credential);
  for (const transport of ["udp", "tcp", "tls"] as const) {
    const talker = await allocate(await gateway.probe(transport, { credentials: minted }));
    await hearsItself(talker);
    await hangUp(talker);
    const guess = { username: minted.username, credential: "canary-of-a-guess" };
    canaries.set("a wrong password", guess.credential);
    const guesser = await gateway.probe(transport, { credentials: guess });
    await guesser.ask({ kind: "allocate" });
    guesser.close();
  }
  const forged = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(JSON.stringify({ sub: RUBBISH })).toString("base64url")}.c2lnbmF0dXJl`;
  canaries.set("a forged JWT", forged);
  for (const over of ["http", "tls", "metrics"] as const) {
    for (const token of [RUBBISH, forged, `ibk_${RUBBISH}`]) {
      const headers = { authorization: `Bearer ${token}`, cookie: RUBBISH, "x-api-key": RUBBISH };
      const ask = async (path: string, method = "GET", body?: string): Promise<void> => {
        const reply = await gateway.ask({ over, path, method, headers, ...(body === undefined ? {} : { body }) });
        answers.push(reply.text, JSON.stringify(reply.headers));
      };
      await ask(`/api/v1/ice-servers?token=${token}`);
      await ask(`/no/such/page?token=${token}`);
      await ask("/v1/credentials", "POST", `{"${RUBBISH}": 1}`);
    }
    const headers = { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" };
    const body = JSON.stringify({ [RUBBISH]: RUBBISH });
    // Whom the body belongs to may be told what is wrong with it, and nobody else.
    await gateway.ask({ over, path: "/v1/credentials", method: "POST", headers, body });
  }
  await knock(gateway.ports.http, `GET /?token=${RUBBISH} HTTP/9.9\r\nAuthorization: ${RUBBISH}\r\n\r\n`);
  await knock(gateway.ports.tls, RUBBISH);
  answers.push((await gateway.ask({ path: "/metrics", over: "metrics" })).text, (await gateway.ask({ path: "/readyz" })).text);
  return answers.join("\n");
}

/** Says something to a port and waits until it is closed. */
async function knock(port: number, text: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(text));
    socket.on("error", () => {});
    socket.on("data", () => socket.end());
    socket.on("close", () => resolve());
  });
}
