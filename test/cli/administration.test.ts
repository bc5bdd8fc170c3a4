import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { hashApiKey, isApiKey } from "../../src/credentials/api-key.ts";
import { FakeWorld, NOW_MS } from "./fake-world.ts";

const everyRegion = ["us-east", "us-west", "eu-central", "eu-west", "uk-london", "in-mumbai", "ap-singapore", "ap-sydney"];

/** Makes a project and gives its id. */
async function newProject(world: FakeWorld, ...more: string[]): Promise<string> {
  const { json } = await world.run(["project", "create", "Conference", ...more]);
  return Value.Parse(Type.Object({ id: Type.String() }), json).id;
}

describe("icebreaker project", () => {
  test("create prints id, name and regions: every region without --region", async () => {
    await using world = await FakeWorld.withDatabase();
    const { code, stdout, stderr, json } = await world.run(["project", "create", "Conference"]);
    const [id = ""] = /project_[a-z0-9]+/.exec(stdout) ?? [];
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(json, { id, name: "Conference", regions: everyRegion });
    assert.equal(stdout, `${JSON.stringify(json)}\n`);
    assert.deepEqual(await world.store(async (store) => (await store.project(id))?.regions), []);
  });

  test("create takes regions, each once, and refuses one that is none", async () => {
    await using world = await FakeWorld.withDatabase();
    const regions = ["--region", "eu-west", "--region", "us-east", "--region", "eu-west"];
    const created = await world.run(["project", "create", "Two", ...regions]);
    assert.match(created.stdout, /"regions":\["eu-west","us-east"\]}/);
    const refused = await world.run(["project", "create", "None", "--region", "eu-wst"]);
    assert.deepEqual([refused.code, refused.stderr], [2, 'icebreaker: There is no region "eu-wst": did you mean eu-west?\n']);
    assert.equal((await world.run(["project", "create", " "])).code, 2);
  });

  test("a region that this configuration or a gateway names is one", async () => {
    await using world = await FakeWorld.withDatabase();
    const argv = ["project", "create", "Here", "--region", "basement"];
    assert.equal((await world.run(argv)).code, 2);
    assert.equal((await world.run(argv, { env: { ICEBREAKER_REGION: "basement" } })).code, 0);
    await world.store((store) =>
      store.announce({
        id: "g1",
        region: "basement",
        endpoints: { hostname: "a.example", udp: 1, relay: true },
        draining: false,
        heartbeatUnixMs: NOW_MS,
      }),
    );
    assert.equal((await world.run(argv)).code, 0);
  });

  test("list, show and update print the same shape; delete ends it", async () => {
    await using world = await FakeWorld.withDatabase();
    const id = await newProject(world, "--region", "eu-west");
    const shape = { id, name: "Conference", regions: ["eu-west"] };
    assert.deepEqual((await world.run(["project", "list"])).json, [shape]);
    assert.deepEqual((await world.run(["project", "show", id])).json, shape);
    const changed = { ...shape, name: "Meeting", regions: ["us-west"] };
    assert.deepEqual((await world.run(["project", "update", id, "--name", "Meeting", "--region", "us-west"])).json, changed);
    assert.deepEqual((await world.run(["project", "update", id, "--name", "Call"])).json, { ...changed, name: "Call" });
    assert.deepEqual((await world.run(["project", "delete", id])).json, { id, deleted: true });
    assert.deepEqual((await world.run(["project", "list"])).json, []);
  });

  test("is a table on a terminal, unless --json", async () => {
    await using world = await FakeWorld.withDatabase();
    const id = await newProject(world);
    const { stdout } = await world.run(["project", "list"], { terminal: true });
    assert.deepEqual(stdout.split("\n"), [
      `id${" ".repeat(id.length)}name        regions`,
      `${id}  Conference  every region`,
      "",
    ]);
    assert.equal((await world.run(["project", "delete", id], { terminal: true })).stdout, `${id} is deleted\n`);
    assert.equal((await world.run(["project", "list", "--json"], { terminal: true })).stdout, "[]\n");
  });

  test("that is not there is exit code 1, whatever is wanted of it", async () => {
    await using world = await FakeWorld.withDatabase();
    const sentence = 'icebreaker: There is no project "project_x": "icebreaker project list" shows all\n';
    for (const argv of [
      "project show project_x",
      "project update project_x --name a",
      "project delete project_x",
      "key create project_x",
      "key list project_x",
      "mint project_x",
      "revoke 9999999999:project_x:a",
      "explain-peer 192.0.2.1 --project project_x",
    ]) {
      const { code, stdout, stderr } = await world.run(argv.split(" "));
      assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: "", stderr: sentence }, argv);
    }
  });
});

describe("icebreaker key", () => {
  test("create prints the key this once; the database keeps its hash", async () => {
    await using world = await FakeWorld.withDatabase();
    const project = await newProject(world);
    const { json, stderr } = await world.run(["key", "create", project, "--name", "back end"]);
    const made = Value.Parse(Type.Object({ id: Type.String(), key: Type.String(), project: Type.String() }), json);
    assert.deepEqual(
      [Object.keys(made), made.project, isApiKey(made.key), stderr],
      [["id", "key", "project"], project, true, ""],
    );

    const kept = await world.store((store) => store.keys(project));
    assert.deepEqual(
      kept.map(({ id, name, hash }) => [id, name, hash]),
      [[made.id, "back end", hashApiKey(made.key)]],
    );
    const list = await world.run(["key", "list", project]);
    assert.doesNotMatch(list.stdout, /ibk_/);
    assert.deepEqual(list.json, [{ id: made.id, name: "back end", project, created: "2030-01-01T00:00:00.000Z" }]);
  });

  test("revoke ends it, once", async () => {
    await using world = await FakeWorld.withDatabase();
    const project = await newProject(world);
    await world.run(["key", "create", project]);
    const [id = ""] = (await world.store((store) => store.keys(project))).map((key) => key.id);
    assert.deepEqual((await world.run(["key", "revoke", id])).json, { id, revoked: true });
    const again = await world.run(["key", "revoke", id]);
    assert.deepEqual(
      [again.code, again.stderr],
      [1, `icebreaker: There is no key "${id}": "icebreaker key list PROJECT" shows a project's\n`],
    );
  });

  test("create on a terminal says that it is shown this once", async () => {
    await using world = await FakeWorld.withDatabase();
    const { stderr, stdout } = await world.run(["key", "create", await newProject(world)], { terminal: true });
    assert.equal(stderr, "icebreaker: the key is shown this once, only its hash is kept\n");
    assert.match(stdout, /^id +key +project\n/);
  });
});

describe("icebreaker revoke", () => {
  const expiry = NOW_MS / 1000 + 100_000;
  const rememberedMs = 2 * 3_600_000;
  const revocations = (world: FakeWorld) => world.store(async (store) => (await store.changesSince(0, 100)).revocations);

  test("writes a row that lives until two hours after the credential, or the last allocation under it, must have ended", async () => {
    await using world = await FakeWorld.withDatabase();
    const username = `${expiry}:${await newProject(world)}:alice`;
    assert.deepEqual((await world.run(["revoke", username])).json, { username, revoked: true });
    assert.deepEqual(await revocations(world), [{ username, expiresUnixMs: expiry * 1000 + rememberedMs }]);

    const old = username.replace(`${expiry}`, "1718200000");
    assert.equal((await world.run(["revoke", old])).code, 0);
    assert.deepEqual((await revocations(world))[1], { username: old, expiresUnixMs: NOW_MS + 86_400_000 + rememberedMs });
  });

  test("without a label asks, for all who minted in that second share it", async () => {
    await using world = await FakeWorld.withDatabase();
    const username = `${expiry}:${await newProject(world)}`;
    const shared = "This username has no label: all who minted in that second with that ttl share it, and all of them lose it";

    const pipe = await world.run(["revoke", username]);
    assert.deepEqual([pipe.code, pipe.stderr], [2, `icebreaker: ${shared}. Say --yes if that is meant\n`]);
    const no = await world.run(["revoke", username], { terminal: true, answer: "" });
    assert.deepEqual(
      [no.code, no.stderr, world.questions],
      [1, "icebreaker: Nothing was revoked\n", [`${shared}.\nRevoke it? [y/N] `]],
    );
    assert.deepEqual(await revocations(world), []);

    assert.equal((await world.run(["revoke", username], { terminal: true, answer: "Y" })).stdout, `${username} is revoked\n`);
    assert.equal((await world.run(["revoke", username, "--yes"])).code, 0);
    assert.equal((await revocations(world)).length, 1);
  });
});
