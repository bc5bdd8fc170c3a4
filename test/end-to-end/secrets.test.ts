import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { Canaries } from "../support/canaries.ts";
import { runToEnd } from "../support/child.ts";
import { executable } from "../support/executable.ts";
import { type Gateway, type Minted, startGateway } from "../support/gateway.ts";
import { needs } from "../support/needs.ts";
import { heardNonces } from "../support/nonces.ts";
import { startPostgres } from "../support/postgres.ts";
import { UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself } from "../support/talk.ts";

const JWT_SECRET = "canary-jwt-secret-which-is-long-enough";
const RUBBISH = "canary-of-a-stranger";
const TRANSPORTS = ["udp", "tcp", "tls"] as const;

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
    const canaries = new Canaries();
    try {
      canaries.add("the JWT secret", JWT_SECRET);
      for (const [i, line] of (await readFile(gateway.files.key, "utf8")).split("\n").slice(1, 3).entries())
        canaries.add(`line ${i} of the TLS key`, line);
      canaries.add("what a stranger sent as a token", RUBBISH);
      for (const [i, secret] of projectSecrets(gateway).entries()) canaries.add(`the secret of project ${i}`, secret);
      const said = [
        await useAndMisuse(gateway, canaries),
        await useTurn(gateway, canaries),
        await useJwt(gateway, canaries),
        await administer(gateway, canaries),
      ];
      await gateway.reconfigure({ auth: { jwt: { ...jwt, algorithms: ["none"] } } });
      await until(() => /stays as it was/.test(gateway.child.stderr()), 5000, "A reload that fails");
      said.push(await crash(gateway));

      const keyOnce = gateway.child.stdout().replace(gateway.key, "");
      canaries.add("the API key", gateway.key);
      for (const text of [...said, keyOnce]) canaries.assertSilent(text, "Something it said");
      assert.match(gateway.child.stderr(), /"level":"debug"/, "it did log");
    } finally {
      await gateway.child.stop("SIGKILL");
      await gateway.remove();
    }
  });

  test("that lie in files or variables are in no log, problem, crash or configuration", UNHURRIED, async () => {
    const folder = await mkdtemp(join(tmpdir(), "icebreaker-secrets-"));
    const file = join(folder, "jwt-secret");
    const secret = "canary-jwt-secret-that-lies-in-a-file";
    await writeFile(file, `${secret}\n`);
    const jwt = { secret_file: file, issuer: "https://id.example.com", audience: "icebreaker" };
    const variable = "canary-jwt-secret-that-is-a-variable";
    for (const [what, canary, settings, env] of [
      ["a file", secret, { auth: { jwt } }, {}],
      [
        "a variable",
        variable,
        { auth: { jwt: { issuer: jwt.issuer, audience: "x" } } },
        { ICEBREAKER_AUTH_JWT_SECRET: variable },
      ],
    ] as const) {
      const gateway = await startGateway({ settings: { log: { level: "trace" }, ...settings }, env });
      const canaries = new Canaries();
      canaries.add(`what lay in ${what}`, canary);
      const token = signed(canary, { project: "project_none" });
      assert.equal((await gateway.ask({ path: `/api/v1/ice-servers?token=${token}` })).status, 401);
      canaries.assertSilent((await gateway.run("config")).stdout, "The configuration");
      canaries.assertSilent(await crash(gateway), "A crash");
      await gateway.remove();
    }
    await rm(folder, { recursive: true });
  });

  test("the database's password is in none of it, nor when the database is gone", {
    ...UNHURRIED,
    skip: needs("postgres"),
  }, async () => {
    const server = await startPostgres();
    const url = new URL(await server.newDatabase());
    const password = "canary-of-the-database";
    url.password = password;
    const canaries = new Canaries();
    canaries.add("the database's password", password);
    const gateway = await startGateway({ settings: { log: { level: "trace" }, database: { url: url.href } } });
    const said = [(await gateway.run("config")).stdout, (await gateway.run("project", "create", "a")).stdout];
    await server.goDown();
    await until(() => /does not answer/.test(gateway.child.stderr()), 20_000, "A word about the database");
    const { code, stdout, stderr } = await gateway.run("project", "list");
    assert.equal(code, 1);
    said.push(stdout, stderr, (await gateway.ask({ path: "/readyz", over: "metrics" })).text);
    said.push((await gateway.ask({ path: "/metrics", over: "metrics" })).text, await crash(gateway));
    for (const text of said) canaries.assertSilent(text, "Something it said");
    await gateway.remove();
    await server.stop();
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
        const canaries = new Canaries();
        canaries.add(what, canary);
        await writeFile(file, `state_dir = "${folder}/state"\n${text}`);
        const env = { PATH: process.env["PATH"] ?? "", ...environment };
        const { code, stdout, stderr } = await runToEnd(await executable(), ["serve", "--config", file], { env, cwd: folder });
        assert.notEqual(code, 0, `${what} is no reason to refuse:\n${stdout}${stderr}`);
        canaries.assertSilent(stdout + stderr, "The complaint");
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** What is written down when it crashes, and all that it has logged. */
async function crash(gateway: Gateway): Promise<string> {
  gateway.child.process.kill("SIGSEGV");
  await gateway.child.ended;
  return gateway.child.stderr();
}

/** What users and strangers do, on every door. @returns what was answered, but for what was asked for */
async function useAndMisuse(gateway: Gateway, canaries: Canaries): Promise<string> {
  const answers: string[] = [];
  const minted = await gateway.mint({ label: "alice" });
  canaries.add("a credential", minted.credential);
  const guess = { username: minted.username, credential: "canary-of-a-guess" };
  canaries.add("a wrong password", guess.credential);
  for (const transport of TRANSPORTS) {
    const talker = await allocate(await gateway.probe(transport, { credentials: minted }));
    await hearsItself(talker);
    await hangUp(talker);
    const guesser = await gateway.probe(transport, { credentials: guess });
    await guesser.ask({ kind: "allocate" });
    guesser.close();
  }
  const forged = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(JSON.stringify({ sub: RUBBISH })).toString("base64url")}.c2lnbmF0dXJl`;
  canaries.add("a forged JWT", forged);
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

/** Nonces, tickets and tokens: as they should be used, at the wrong place, and when they are none. @returns the metrics after it */
async function useTurn(gateway: Gateway, canaries: Canaries): Promise<string> {
  const credentials = await gateway.mint({ label: "turn" });
  for (const transport of TRANSPORTS) {
    const nonces = await heardNonces(gateway.lineTo(transport), credentials);
    for (const [i, nonce] of nonces.entries()) canaries.add(`nonce ${i} over ${transport}`, nonce);

    const mover = await gateway.probe(transport, { credentials });
    const mobile = await mover.must({ kind: "allocate", mobile: true });
    canaries.add(`a ticket over ${transport}`, mobile.mobilityTicket);
    const moved = await gateway.probe(transport, { credentials });
    const { mobilityTicket } = await moved.must({ kind: "refresh", ...ticketOf(mobile) });
    canaries.add(`the next ticket over ${transport}`, mobilityTicket);
    const stranger = await gateway.probe(transport, { credentials: await gateway.mint({ label: "stranger" }) });
    assert.equal((await stranger.ask({ kind: "refresh", ...ticketOf(mobile) })).kind, "refused");
    const reserving = await stranger.must({ kind: "allocate", evenPort: { reserveNext: true } });
    const { reservationToken } = reserving;
    canaries.add(`a reservation over ${transport}`, reservationToken);
    const redeemer = await gateway.probe(transport, { credentials });
    for (const kind of ["success", "refused"] as const) {
      const answer = await redeemer.ask({ kind: "allocate", ...(reservationToken && { reservationToken }) });
      assert.equal(answer.kind, kind);
      if (answer.kind === "success") await redeemer.ask({ kind: "refresh", lifetimeSeconds: 0 });
    }
    for (const probe of [mover, moved, stranger, redeemer]) probe.close();
  }
  return (await gateway.ask({ path: "/metrics", over: "metrics" })).text;
}

function ticketOf({ mobilityTicket }: { readonly mobilityTicket?: Uint8Array | undefined }): { readonly ticket: Uint8Array } {
  assert.ok(mobilityTicket);
  return { ticket: mobilityTicket };
}

/** A token that is believed, one whose signature is right and whose audience is not; in the header and in the path. */
async function useJwt(gateway: Gateway, canaries: Canaries): Promise<string> {
  const [project] = JSON.parse((await gateway.run("project", "list")).stdout);
  const answers: string[] = [];
  for (const [i, claims] of [{}, { aud: "somebody else" }, { exp: 1 }].entries()) {
    const token = signed(JWT_SECRET, { project: project.id, sub: `somebody-${i}`, ...claims });
    canaries.add(`JWT ${i}`, token);
    for (const over of ["http", "tls"] as const) {
      for (const how of [{ path: `/api/v1/ice-servers?token=${token}` }, bearer(token)]) {
        const { status, text, headers } = await gateway.ask({ over, ...how });
        assert.equal(status, i === 0 ? 200 : 401);
        // What was asked for is in the answer, and must be nowhere else.
        if (i === 0 && over === "http" && "headers" in how) canaries.add("a credential of a JWT", credentialIn(text));
        if (i > 0) answers.push(text, JSON.stringify(headers));
      }
    }
  }
  return answers.join("\n");
}

function bearer(token: string): { readonly path: string; readonly headers: Record<string, string> } {
  return { path: "/api/v1/ice-servers", headers: { authorization: `Bearer ${token}` } };
}

function credentialIn(text: string): string | undefined {
  const { iceServers }: { iceServers: { credential?: string }[] } = JSON.parse(text);
  return iceServers.find(({ credential }) => credential !== undefined)?.credential;
}

/** A JWT under a shared secret, for an hour. */
function signed(secret: string, claims: Readonly<Record<string, unknown>>): string {
  const exp = Math.ceil(Date.now() / 1000) + 3600;
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256" })}.${part({ iss: "https://id.example.com", aud: "icebreaker", exp, ...claims })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** Commands beside the gateway. @returns what they said, but for what was asked of them */
async function administer(gateway: Gateway, canaries: Canaries): Promise<string> {
  const { id } = JSON.parse((await gateway.run("project", "create", "another", "--json")).stdout);
  const { id: keyId, key } = JSON.parse((await gateway.run("key", "create", id, "--json")).stdout);
  canaries.add("a key that a command made", key);
  const minted: Minted = JSON.parse((await gateway.run("mint", id)).stdout);
  canaries.add("a credential that a command minted", minted.credential);
  const said: string[] = [];
  for (const words of [
    ["config"],
    ["systemd"],
    ["key", "list", id],
    ["project", "show", id],
    ["key", "revoke", key],
    ["key", "list", key],
    ["revoke", key],
    [key],
    ["key", "revoke", keyId],
    ["revoke", minted.username, "--yes"],
  ]) {
    const { stdout, stderr } = await gateway.run(...words);
    said.push(stdout, stderr);
  }
  return said.join("\n");
}

/** What all credentials of a project come from. */
function projectSecrets(gateway: Gateway): readonly string[] {
  const database = new DatabaseSync(join(gateway.stateDirectory, "icebreaker.db"), { readOnly: true });
  const rows = database.prepare("select secret from projects").all();
  database.close();
  return rows.map(({ secret }) => `${secret}`);
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
