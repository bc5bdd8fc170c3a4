import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { KEYS } from "../../src/config/keys.ts";
import { FakeWorld } from "./fake-world.ts";

describe("icebreaker config", () => {
  test("prints every setting with its value and where it came from", async () => {
    await using world = new FakeWorld();
    const file = join(world.directory, "icebreaker.toml");
    writeFileSync(file, '[relay]\nports = "50000-50999"\n[tls]\npassthrough = { "a.example" = "127.0.0.1:1" }\n');
    const { json, code } = await world.run(["config"], { env: { ICEBREAKER_LISTEN_UDP: "" } });
    assert.equal(code, 0);
    assert.ok(Array.isArray(json));
    assert.deepEqual(
      json.map(({ key }) => key),
      KEYS.map(({ name }) => name),
    );
    const row = (name: string) => json.find(({ key }) => key === name);
    assert.deepEqual(row("relay.ports"), { key: "relay.ports", value: "50000-50999", source: `${file}:2` });
    assert.deepEqual(row("listen.udp"), { key: "listen.udp", value: [], source: "ICEBREAKER_LISTEN_UDP" });
    assert.deepEqual(row("hostname"), { key: "hostname", value: null, source: "default" });
    assert.deepEqual(row("limits.peers_per_allocation"), { key: "limits.peers_per_allocation", value: 256, source: "default" });

    const { stdout } = await world.run(["config"], { terminal: true });
    assert.match(stdout, /^key +value +from\n/);
    assert.match(stdout, /\ntls\.passthrough +\{ "a\.example" = "127\.0\.0\.1:1" } +\S+icebreaker\.toml:4\n/);
  });

  test("masks secrets", async () => {
    await using world = new FakeWorld();
    const env = {
      ICEBREAKER_DATABASE_URL: "postgres://u:hunter2@db.example/d",
      ICEBREAKER_AUTH_JWT_SECRET: "hunter2-hunter2-hunter2-hunter2-",
    };
    for (const terminal of [true, false]) {
      const { stdout } = await world.run(["config"], { env, terminal });
      assert.doesNotMatch(stdout, /hunter2/);
      assert.match(stdout, /postgres:\/\/u:\*\*\*@db\.example\/d/);
    }
  });
});

describe("icebreaker explain-peer", () => {
  for (const [address, env, allowed, rule] of [
    ["10.0.0.1", {}, false, /"denied by default: 10\.0\.0\.0\/8/],
    ["[::ffff:10.0.0.1]:5000", {}, false, /10\.0\.0\.0\/8/],
    ["10.0.0.1:5000", { ICEBREAKER_RELAY_PEERS_ALLOW: "10.0.0.0/8" }, true, /relay\.peers\.allow: 10\.0\.0\.0\/8/],
    ["8.8.8.8:53", { ICEBREAKER_RELAY_PEERS_MIN_PORT: "1024" }, false, /relay\.peers\.min_port/],
    ["8.8.8.8", { ICEBREAKER_RELAY_PEERS_MIN_PORT: "1024" }, true, /no rule/],
    ["8.8.8.8", { ICEBREAKER_RELAY_PEERS_ONLY: "9.9.9.9" }, false, /relay\.peers\.only/],
    ["9.9.9.9", { ICEBREAKER_DATABASE_URL: "postgres://9.9.9.9/d" }, false, /an address of this host or its database/],
    [
      "8.8.4.4",
      { ICEBREAKER_RELAY_ADDRESS: "10.0.0.1", ICEBREAKER_RELAY_EXTERNAL_ADDRESS: "8.8.4.4" },
      false,
      /an address of this host/,
    ],
  ] as const) {
    test(`${address} with ${JSON.stringify(env)}`, async () => {
      await using world = new FakeWorld();
      const { code, stdout } = await world.run(["explain-peer", address], { env });
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`"allowed":${allowed},"rule":`));
      assert.match(stdout, rule);
    });
  }

  test("says it in a sentence on a terminal, and knows projects", async () => {
    await using world = await FakeWorld.withDatabase();
    const { id } = await world.store((store) => store.createProject({ name: "a", regions: [] }));
    const { stdout } = await world.run(["explain-peer", "8.8.8.8:53", "--project", id], { terminal: true });
    assert.equal(stdout, "8.8.8.8:53 is allowed: no rule denies it\n");
  });
});

describe("icebreaker systemd", () => {
  test("prints a unit for this executable and file, that stops after the drain", async () => {
    await using world = new FakeWorld();
    writeFileSync(join(world.directory, "a.toml"), "[shutdown]\ndeadline = 100\n");
    const { code, stdout, stderr } = await world.run(["systemd", "--config", "a.toml"], { terminal: true });
    assert.deepEqual([code, stderr], [0, ""]);
    for (const line of [
      "Type=notify",
      `ExecStart=/opt/icebreaker serve --config ${world.directory}/a.toml`,
      "TimeoutStopSec=115",
      "AmbientCapabilities=CAP_NET_BIND_SERVICE",
      "LimitNOFILE=200000",
      "UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN BUN_INSPECT NODE_OPTIONS",
    ]) {
      assert.ok(stdout.split("\n").includes(line), line);
    }
    assert.doesNotMatch(stdout, /^(MemoryDenyWriteExecute|LimitAS)/m);
  });

  test("without --config leaves the file to be found", async () => {
    await using world = new FakeWorld();
    assert.match((await world.run(["systemd"])).stdout, /^ExecStart=\/opt\/icebreaker serve$/m);
  });
});
