import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { credentialKey, passwordOf } from "../../src/credentials/credential.ts";
import type { Endpoints } from "../../src/credentials/endpoints.ts";
import { FakeWorld, NOW_MS } from "./fake-world.ts";

const env = { ICEBREAKER_HOSTNAME: "relay.example.com" };
const nowSeconds = NOW_MS / 1000;

async function worldWithProject(regions: readonly string[] = []) {
  const world = await FakeWorld.withDatabase();
  const project = await world.store((store) => store.createProject({ name: "Conference", regions }));
  return { world, project };
}

function announce(world: FakeWorld, region: string, endpoints: Endpoints, heartbeatUnixMs = NOW_MS): Promise<void> {
  return world.store((store) => store.announce({ id: `gateway-${region}`, region, endpoints, draining: false, heartbeatUnixMs }));
}

describe("icebreaker mint", () => {
  test("prints the JSON of POST /v1/credentials, made from the database and this configuration", async () => {
    const { world, project } = await worldWithProject();
    await using _ = world;
    const { code, stderr, json } = await world.run(["mint", project.id], { env });
    const username = `${nowSeconds + 3600}:${project.id}`;
    const credential = passwordOf(credentialKey(project, "us-east"), username);
    const urls = [
      "stun:relay.example.com:3478",
      "turn:relay.example.com:3478?transport=udp",
      "turn:relay.example.com:3478?transport=tcp",
      "turns:relay.example.com:443?transport=tcp",
    ];
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(json, { username, credential, ttl: 3600, region: "us-east", iceServers: [{ urls, username, credential }] });
  });

  test("takes ttl, region and label; on a terminal it is JSON too, to be read", async () => {
    const { world, project } = await worldWithProject();
    await using _ = world;
    const argv = ["mint", project.id, "--ttl", "60", "--label", "alice", "--region", "us-east"];
    const { stdout, json } = await world.run(argv, { env, terminal: true });
    assert.equal(stdout, `${JSON.stringify(json, undefined, 2)}\n`);
    assert.match(stdout, new RegExp(`"username": "${nowSeconds + 60}:${project.id}:alice"`));
  });

  test("takes hosts and ports from the live gateways, else from this configuration", async () => {
    const { world, project } = await worldWithProject();
    await using _ = world;
    await announce(world, "eu-west", { hostname: "eu.example.com", udp: 5000, relay: true });
    const live = await world.run(["mint", project.id], { env });
    assert.match(live.stdout, /"region":"eu-west".*"stun:eu\.example\.com:5000"/);
    const none = await world.run(["mint", project.id, "--region", "us-east"], { env });
    assert.deepEqual([none.code, none.stderr], [1, 'icebreaker: No gateway serves the region "us-east" now\n']);

    await announce(world, "eu-west", { hostname: "eu.example.com", udp: 5000, relay: true }, NOW_MS - 60_000);
    assert.match((await world.run(["mint", project.id], { env })).stdout, /"stun:relay\.example\.com:3478"/);
  });

  test("prefers this configuration's region, if a gateway serves it and the project has it", async () => {
    const { world, project } = await worldWithProject(["us-west", "us-east"]);
    await using _ = world;
    await announce(world, "us-west", { hostname: "w.example.com", udp: 1, relay: true });
    await announce(world, "us-east", { hostname: "e.example.com", udp: 1, relay: true });
    assert.match((await world.run(["mint", project.id], { env })).stdout, /"region":"us-east"/);
    assert.match((await world.run(["mint", project.id], { env: { ICEBREAKER_REGION: "eu-west" } })).stdout, /"region":"us-west"/);
  });

  test("uses [advertise], and leaves out listeners that are off", async () => {
    const { world, project } = await worldWithProject();
    await using _ = world;
    const more = { ICEBREAKER_ADVERTISE_TLS: "8443", ICEBREAKER_LISTEN_TCP: "", ICEBREAKER_HOSTNAME: "2001:db8::1" };
    const { stdout } = await world.run(["mint", project.id], { env: more });
    assert.match(
      stdout,
      /\["stun:\[2001:db8::1\]:3478","turn:\[2001:db8::1\]:3478\?transport=udp","turns:\[2001:db8::1\]:8443\?transport=tcp"\]/,
    );
  });

  for (const [flags, code, sentence] of [
    ["--ttl 0", 2, '--ttl is "0", not a whole number of seconds from 1 to 172800, which is credentials.max_ttl'],
    ["--ttl 172801", 2, '--ttl is "172801", not a whole number of seconds from 1 to 172800, which is credentials.max_ttl'],
    ["--ttl 1h", 2, '--ttl is "1h", not a whole number of seconds from 1 to 172800, which is credentials.max_ttl'],
    ["--label a:b", 2, '--label is "a:b", not 1 to 128 letters, digits, dots, underscores, @ and dashes'],
    ["--region eu-wast", 2, 'There is no region "eu-wast": did you mean eu-west?'],
  ] as const) {
    test(`refuses ${flags}`, async () => {
      const { world, project } = await worldWithProject();
      await using _ = world;
      const outcome = await world.run(["mint", project.id, ...flags.split(" ")], { env });
      assert.deepEqual([outcome.code, outcome.stdout, outcome.stderr], [code, "", `icebreaker: ${sentence}\n`]);
    });
  }

  test("refuses a region that is not enabled", async () => {
    const { world, project } = await worldWithProject(["eu-west"]);
    await using _ = world;
    const outcome = await world.run(["mint", project.id, "--region", "us-east"], { env });
    assert.deepEqual(
      [outcome.code, outcome.stderr],
      [1, `icebreaker: "us-east" is not enabled on ${project.id}, which has eu-west\n`],
    );
  });
});
