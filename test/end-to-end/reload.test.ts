import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Gateway, type Overrides, startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself, type Talker } from "../support/talk.ts";

const RELOAD_MS = 8000;
const SECRET = "a shared secret of 32 octets....";

/** Goal: SIGHUP takes up what can be taken up, on every thread, and calls that are going on notice nothing. */
describe("reload by SIGHUP", () => {
  const talkers: Talker[] = [];
  after(async () => {
    for (const talker of talkers) await hangUp(talker);
  });
  const gateway = shared(() => startGateway());

  before(async () => {
    const running = await gateway();
    const credentials = await running.mint({ label: "all-along" });
    for (const transport of ["udp", "tcp", "tls"] as const)
      talkers.push(await allocate(await running.probe(transport, { credentials })));
  });

  /** Lays settings over those of the start, waits until they are in force, and listens to the calls that go on. */
  async function reload(overrides: Overrides): Promise<Gateway> {
    const running = await gateway();
    const times = reloads(running);
    await running.reconfigure({ log: { level: "info" }, ...overrides });
    await until(() => reloads(running) > times, RELOAD_MS, "The reload");
    for (const talker of talkers) await hearsItself(talker);
    return running;
  }

  test("log level, on main and on every thread", UNHURRIED, async () => {
    const running = await reload({ log: { level: "debug" } });
    const allocated = (): number => running.child.stderr().match(/"msg":"Allocated"/g)?.length ?? 0;
    const credentials = await running.mint();
    const begun = allocated();
    for (const transport of ["udp", "tls"] as const)
      await hangUp(await allocate(await running.probe(transport, { credentials })));
    await until(() => allocated() >= begun + 2, RELOAD_MS, "Lines of debug from a relay thread and an edge thread");
    await reload({});
    const before = allocated();
    await hangUp(await allocate(await running.probe("udp", { credentials })));
    await running.child.says(/"msg":"Allocation ended"/, RELOAD_MS);
    assert.equal(allocated(), before);
  });

  test("limits: allocations for a label, and mints for a key", UNHURRIED, async () => {
    const running = await reload({ limits: { allocations_per_label: 1 } });
    const credentials = await running.mint({ label: "one-at-a-time" });
    const first = await allocate(await running.probe("udp", { credentials }));
    assert.equal(await refusal(running, credentials), 486);
    await reload({});
    assert.equal(await refusal(running, credentials), undefined);
    await hangUp(first);

    await reload({ limits: { mints_per_key_per_minute: 1 } });
    const answers = [await askToMint(running, "http"), await askToMint(running, "tls"), await askToMint(running, "http")];
    assert.equal(answers.at(-1)?.status, 429);
    assert.ok(Number(answers.at(-1)?.headers["retry-after"]) > 0);
    await reload({});
    await running.mint();
  });

  test("credentials: how long they last", UNHURRIED, async () => {
    const running = await reload({ credentials: { default_ttl: 77, max_ttl: 100 } });
    assert.equal((await running.mint()).ttl, 77);
    await assert.rejects(running.mint({ ttl: 101 }), /invalid_ttl/);
    await reload({});
    assert.equal((await running.mint({ ttl: 101 })).ttl, 101);
  });

  test("CORS, over both doors, and STUN servers beside ours", UNHURRIED, async () => {
    const origin = "https://app.example.com";
    const running = await reload({ http: { cors_origins: [origin] }, stun: { urls: ["stun:stun.example.com:3478"] } });
    for (const over of ["http", "tls"] as const) {
      const headers = { origin, authorization: `Bearer ${running.key}` };
      const reply = await running.ask({ path: "/api/v1/ice-servers", headers, over });
      assert.equal(reply.headers["access-control-allow-origin"], origin, over);
      assert.match(reply.text, /stun:stun\.example\.com:3478/);
      assert.equal((await running.ask({ path: "/api/v1/ice-servers", method: "OPTIONS", headers, over })).status, 204);
    }
    await reload({});
    const closed = await running.ask({ path: "/api/v1/ice-servers", method: "OPTIONS", headers: { origin } });
    assert.equal(closed.status, 405);
  });

  test("JWT: a secret that comes and goes, and another public key in the same file", UNHURRIED, async () => {
    const running = await gateway();
    const [project = ""] = /project_[a-z0-9]+/.exec((await running.mint()).username) ?? [];
    const status = async (token: string): Promise<readonly number[]> => {
      const headers = { authorization: `Bearer ${token}` };
      const path = "/api/v1/ice-servers";
      return [(await running.ask({ path, headers })).status, (await running.ask({ path, headers, over: "tls" })).status];
    };
    const bySecret = jwt("HS256", (text) => createHmac("sha256", SECRET).update(text).digest());
    assert.deepEqual(await status(bySecret), [401, 401]);
    await reload({ auth: { jwt: { secret: SECRET, project } } });
    assert.deepEqual(await status(bySecret), [200, 200]);

    const file = join(dirname(running.configuration), "jwt.pem");
    const keys = [1, 2].map(() => generateKeyPairSync("ec", { namedCurve: "P-256" }));
    for (const [turn, { publicKey }] of keys.entries()) {
      await writeFile(file, publicKey.export({ type: "spki", format: "pem" }));
      await reload({ auth: { jwt: { public_key: file, algorithms: ["ES256"], project } } });
      for (const [whose, { privateKey }] of keys.entries()) {
        const expected = whose === turn ? 200 : 401;
        assert.deepEqual(await status(byKey(privateKey)), [expected, expected], `key ${whose} of ${turn}`);
      }
    }
    await writeFile(file, "rubbish");
    await running.reconfigure({ auth: { jwt: { public_key: file, algorithms: ["ES256"], project } } });
    await running.child.says(/stays as it was: auth\.jwt\.public_key: .* holds no public key in PEM/, RELOAD_MS);
    await reload({});
    assert.deepEqual(await status(bySecret), [401, 401]);
  });

  test("certificates: another pair of files", UNHURRIED, async () => {
    const running = await gateway();
    const served = async (): Promise<string | undefined> => {
      const probe = await running.probe("tls");
      probe.close();
      return probe.chain[0]?.fingerprint256;
    };
    const first = await served();
    const files = await running.authority.issueFiles(["relay.test", "127.0.0.1"]);
    await reload({ tls: files });
    await until(async () => (await served()) !== first, RELOAD_MS, "The certificate of the other files");
    await reload({});
    await until(async () => (await served()) === first, RELOAD_MS, "The first certificate again");
  });

  test("what takes a restart is named in one line, and the rest of the file is in force", UNHURRIED, async () => {
    const restart = { region: "eu-west", hostname: "other.test", relay: { workers: 3 } };
    const running = await reload({ ...restart, credentials: { default_ttl: 55 } });
    await running.child.says(/These settings take a restart: hostname, region, relay\.workers; the rest is in force/, RELOAD_MS);
    const minted = await running.mint();
    assert.deepEqual([minted.ttl, minted.region], [55, "us-east"]);
    const warnings = (): number => running.child.stderr().match(/take a restart/g)?.length ?? 0;
    const before = warnings();
    await reload({});
    assert.equal(warnings(), before, "what runs is what the file says again");
  });

  test("a bad file changes nothing, and every mistake in it is named with its place", UNHURRIED, async () => {
    const running = await reload({ credentials: { default_ttl: 44 } });
    await writeFile(running.configuration, 'region = "eu-west"\n[credentials]\ndefault_ttl = "soon"\n[limit]\n');
    running.child.process.kill("SIGHUP");
    await running.child.says(
      /The configuration stays as it was: .*icebreaker\.toml:4:1: limit is no setting: did you mean/,
      RELOAD_MS,
    );
    await running.child.says(/icebreaker\.toml:3:1: credentials\.default_ttl is /, RELOAD_MS);
    await writeFile(running.configuration, "not toml at all\n");
    running.child.process.kill("SIGHUP");
    await running.child.says(/icebreaker\.toml:1:\d+: this is not TOML/, RELOAD_MS);
    assert.equal((await running.mint()).ttl, 44);
    await reload({});
  });
});

function reloads({ child }: Gateway): number {
  return child.stderr().match(/"msg":"Configuration reloaded"/g)?.length ?? 0;
}

function askToMint(gateway: Gateway, over: "http" | "tls"): ReturnType<Gateway["ask"]> {
  const headers = { authorization: `Bearer ${gateway.key}` };
  return gateway.ask({ path: "/v1/credentials", method: "POST", headers, over });
}

/** The code that an Allocate is refused with, if it is. */
async function refusal(gateway: Gateway, credentials: { username: string; credential: string }): Promise<number | undefined> {
  const probe = await gateway.probe("udp", { credentials });
  const answer = await probe.ask({ kind: "allocate" });
  await probe.ask({ kind: "refresh", lifetimeSeconds: 0 });
  probe.close();
  return answer.kind === "refused" ? answer.code : undefined;
}

function byKey(key: KeyObject): string {
  return jwt("ES256", (text) => sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }));
}

function jwt(alg: string, signed: (text: string) => Uint8Array): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg })}.${part({ sub: "ann", exp: Math.floor(Date.now() / 1000) + 300 })}`;
  return `${text}.${Buffer.from(signed(text)).toString("base64url")}`;
}
