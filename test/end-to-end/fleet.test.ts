import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Gateway, type Minted, startGateway } from "../support/gateway.ts";
import { needs } from "../support/needs.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { shared, UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself } from "../support/talk.ts";

/** Within which a change of the database must tell. */
const CHANGE_MS = 1500;
/** Within which the others must know that a gateway is gone which could not say so. */
const SILENCE_MS = 15_000;
/** Within which trouble with the database must be told, and its end. */
const TROUBLE_MS = 20_000;

/** Two gateways of two regions on one PostgreSQL, and a project made on it from the command line. */
class Fleet {
  readonly server: PostgresServer;
  readonly url: string;
  readonly europe: Gateway;
  readonly america: Gateway;
  readonly project: string;
  readonly key: string;

  constructor(made: Pick<Fleet, "server" | "url" | "europe" | "america" | "project" | "key">) {
    this.server = made.server;
    this.url = made.url;
    this.europe = made.europe;
    this.america = made.america;
    this.project = made.project;
    this.key = made.key;
  }

  static async start(): Promise<Fleet> {
    const server = await startPostgres();
    const url = await server.newDatabase();
    const [europe, america] = await Promise.all([member(url, "eu-central"), member(url, "us-east")]);
    const project = await idOf(europe.run("project", "create", "fleet"));
    const key = await newKey(europe, project);
    for (const gateway of [europe, america])
      for (const region of ["eu-central", "us-east"])
        await until(async () => (await problem(gateway, key, { region })) === "200", CHANGE_MS, `A mint for ${region}`);
    return new Fleet({ server, url, europe, america, project, key });
  }

  async stop(): Promise<void> {
    await Promise.all([this.europe.stop(), this.america.stop()]);
    await this.server.stop();
  }
}

describe("a fleet on one PostgreSQL", { skip: needs("postgres") }, () => {
  const fleet = shared(() => Fleet.start());

  test("makes no first project, and prints no key", UNHURRIED, async () => {
    const { europe, america, project } = await fleet();
    for (const gateway of [europe, america]) assert.equal(gateway.child.stdout(), "");
    const projects: { id: string }[] = JSON.parse((await succeed(america.run("project", "list"))).stdout);
    assert.deepEqual(
      projects.map(({ id }) => id),
      [project],
    );
  });

  test("a mint for the other's region has the other's URLs, and works there and not here", UNHURRIED, async () => {
    const { europe, america, key } = await fleet();
    for (const [here, there, region] of [
      [europe, america, "us-east"],
      [america, europe, "eu-central"],
    ] as const) {
      const minted = await here.mint({ region }, key);
      assert.deepEqual([minted.region, minted.iceServers[0]?.urls], [region, urlsOf(there)]);
      await relaysAt(there, minted);
      assert.equal(await refusalAt(here, minted), 401);
    }
  });

  test("without a region it is one's own if that is enabled, else one that is enabled and live", UNHURRIED, async () => {
    const { europe, america, key } = await fleet();
    assert.equal((await europe.mint({}, key)).region, "eu-central");
    assert.equal((await america.mint({}, key)).region, "us-east");

    const project = await idOf(europe.run("project", "create", "american", "--region", "ap-sydney", "--region", "us-east"));
    const american = await newKey(europe, project);
    await until(() => mints(europe, american), CHANGE_MS, "A mint with the new key");
    const minted = await europe.mint({}, american);
    assert.deepEqual([minted.region, minted.iceServers[0]?.urls], ["us-east", urlsOf(america)]);
    const headers = { authorization: `Bearer ${american}` };
    const got = await europe.ask({ path: "/api/v1/ice-servers", headers });
    assert.equal(JSON.parse(got.text).iceServers[0].urls[0], `stun:relay.test:${america.ports.udp}`);
    assert.equal(await problem(europe, american, { region: "eu-central" }), "403 region_not_enabled");
    assert.equal(await problem(europe, american, { region: "ap-sydney" }), "503 region_unavailable");
    assert.equal(await problem(europe, american, { region: "atlantis" }), "400 unknown_region");
  });

  test("icebreaker mint takes hosts and ports from the live gateways' rows", UNHURRIED, async () => {
    const { europe, america, project } = await fleet();
    const minted = JSON.parse((await succeed(europe.run("mint", project, "--region", "us-east"))).stdout);
    assert.deepEqual(minted.iceServers[0].urls, urlsOf(america));
    await relaysAt(america, minted);
  });

  test("administration on the database is honoured by both within a second", UNHURRIED, async () => {
    const { europe, america, project } = await fleet();
    const both = [europe, america];
    const key = await newKey(america, project);
    for (const gateway of both) await until(() => mints(gateway, key), CHANGE_MS, "A mint with the new key");

    const revoked = await europe.mint({ region: "us-east", label: "revoked" }, key);
    const { probe } = await allocate(await america.probe("udp", { credentials: revoked }));
    await succeed(europe.run("revoke", revoked.username));
    const ended = async (): Promise<boolean> => (await probe.ask({ kind: "refresh", lifetimeSeconds: 600 })).kind !== "success";
    await until(ended, CHANGE_MS, "The end of what was revoked beside the other gateway");
    probe.close();

    const keys: { id: string }[] = JSON.parse((await succeed(europe.run("key", "list", project))).stdout);
    await succeed(europe.run("key", "revoke", keys.at(-1)?.id ?? ""));
    for (const gateway of both) await until(async () => !(await mints(gateway, key)), CHANGE_MS, "The end of a key");
  });

  test("a gateway that drains is named no more at once, one that dies after ten seconds", UNHURRIED, async () => {
    const { url, europe, key } = await fleet();
    const sydney = { region: "ap-sydney" };
    for (const end of ["SIGTERM", "SIGKILL"] as const) {
      const third = await member(url, sydney.region);
      await until(async () => (await problem(europe, key, sydney)) === "200", CHANGE_MS, "A mint for the third gateway");
      const begun = performance.now();
      third.child.process.kill(end);
      const gone = async (): Promise<boolean> => (await problem(europe, key, sydney)) === "503 region_unavailable";
      await until(gone, end === "SIGTERM" ? CHANGE_MS : SILENCE_MS, `503 after ${end}`);
      if (end === "SIGKILL") assert.ok(performance.now() - begun > 8000, "One missing heartbeat is no death");
      const reply = await askToMint(europe, key, sydney);
      assert.ok(Number(reply.headers["retry-after"]) > 0);
      await third.child.ended;
      await third.remove();
    }
  });

  for (const way of ["down", "frozen"] as const) {
    test(`with its database ${way} it relays and mints on, says so, and recovers by itself`, UNHURRIED, async () => {
      const { server, europe, america, project, key } = await fleet();
      const both = [europe, america];
      const talkers = [];
      for (const gateway of both) {
        talkers.push(await allocate(await gateway.probe("tls", { credentials: await gateway.mint({}, key) })));
      }
      await (way === "down" ? server.goDown() : server.freeze(true));
      for (const gateway of both) {
        await until(async () => (await problemsOf(gateway)) === "degraded announcement database", TROUBLE_MS, "degraded");
        assert.equal((await gateway.ask({ path: "/readyz", over: "metrics" })).status, 200);
      }
      for (const talker of talkers) await hearsItself(talker);
      for (const [here, there, region] of [
        [europe, america, "us-east"],
        [america, europe, "eu-central"],
      ] as const) {
        await relaysAt(here, await here.mint({}, key));
        await relaysAt(there, await here.mint({ region }, key));
      }
      const { code, stderr } = await europe.run("project", "list");
      assert.equal(code, 1);
      assert.match(stderr, /^icebreaker: The database cannot be opened: .*\(database\.url is postgres:/);

      await (way === "down" ? server.comeBack() : server.freeze(false));
      for (const gateway of both) await until(async () => (await problemsOf(gateway)) === "ready", TROUBLE_MS, "ready again");
      const fresh = await newKey(europe, project);
      for (const gateway of both) await until(() => mints(gateway, fresh), CHANGE_MS, "A mint with a key made since");
      for (const talker of talkers) await hangUp(talker);
    });
  }

  test("trouble with the database is told once when it begins and once when it is over, without its password", async () => {
    const { europe, america } = await fleet();
    for (const { child } of [europe, america]) {
      assert.equal(child.stderr().match(/The database does not answer/g)?.length, 4);
      assert.ok(!child.stderr().includes("hunter2"));
    }
  });

  test("SIGTERM ends a gateway in time also while its database is frozen", UNHURRIED, async () => {
    const { server, url } = await fleet();
    const third = await member(url, "ap-sydney");
    await server.freeze(true);
    try {
      const begun = performance.now();
      await third.stop();
      assert.ok(performance.now() - begun < 10_000, "well before systemd loses patience");
    } finally {
      await server.freeze(false);
    }
  });
});

function member(url: string, region: string): Promise<Gateway> {
  return startGateway({ settings: { region, database: { url } } });
}

function urlsOf({ ports }: Gateway): readonly string[] {
  return [
    `stun:relay.test:${ports.udp}`,
    `turn:relay.test:${ports.udp}?transport=udp`,
    `turn:relay.test:${ports.tcp}?transport=tcp`,
    `turns:relay.test:${ports.tls}?transport=tcp`,
  ];
}

async function relaysAt(gateway: Gateway, credentials: Minted): Promise<void> {
  const talker = await allocate(await gateway.probe("udp", { credentials }));
  await hearsItself(talker);
  await hangUp(talker);
}

/** The code of the error that an Allocate is answered with. */
async function refusalAt(gateway: Gateway, credentials: Minted): Promise<number | undefined> {
  const probe = await gateway.probe("udp", { credentials });
  const answer = await probe.ask({ kind: "allocate" });
  probe.close();
  return answer.kind === "refused" ? answer.code : undefined;
}

function askToMint(gateway: Gateway, key: string, wishes: Readonly<Record<string, unknown>>): ReturnType<Gateway["ask"]> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return gateway.ask({ path: "/v1/credentials", method: "POST", headers, body: JSON.stringify(wishes) });
}

/** `200`, or status and code. */
async function problem(gateway: Gateway, key: string, wishes: Readonly<Record<string, unknown>>): Promise<string> {
  const { status, text } = await askToMint(gateway, key, wishes);
  return status === 200 ? "200" : `${status} ${JSON.parse(text).code}`;
}

async function mints(gateway: Gateway, key: string): Promise<boolean> {
  return (await problem(gateway, key, {})) === "200";
}

/** The status of `/readyz` and the codes of its problems. */
async function problemsOf(gateway: Gateway): Promise<string> {
  const { text } = await gateway.ask({ path: "/readyz", over: "metrics" });
  const { status, problems }: { status: string; problems: { code: string }[] } = JSON.parse(text);
  return [status, ...problems.map(({ code }) => code).sort()].join(" ");
}

async function newKey(gateway: Gateway, project: string): Promise<string> {
  return JSON.parse((await succeed(gateway.run("key", "create", project))).stdout).key;
}

async function idOf(run: ReturnType<Gateway["run"]>): Promise<string> {
  return JSON.parse((await succeed(run)).stdout).id;
}

async function succeed<T extends { code: number | null; stderr: string }>(run: Promise<T>): Promise<T> {
  const result = await run;
  assert.equal(result.code, 0, result.stderr);
  return result;
}
