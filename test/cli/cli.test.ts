import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import manifest from "../../package.json" with { type: "json" };
import { FakeWorld } from "./fake-world.ts";

/** What is typed wrongly, and what is said of it. */
const mistakes: readonly (readonly [argv: string, sentence: string])[] = [
  ["serv", 'there is no command "serv": did you mean serve?'],
  ["zzzzzzzz", 'there is no command "zzzzzzzz": see "icebreaker help"'],
  ["help prject", 'there is no command "prject": did you mean project?'],
  ["help project crate", 'there is no command "crate": did you mean create?'],
  ["project crate x", 'there is no command "crate": did you mean create?'],
  ["project list --jsn", "there is no flag --jsn here: did you mean --json?"],
  ["--confg a project list", "there is no flag --confg here: did you mean --config?"],
  ["project create", "NAME is missing"],
  ["key revoke", "KEY_ID is missing"],
  ["mint a b", "too many arguments for 'mint'. Expected 1 argument but got 2."],
  ["mint a --ttl", "option '--ttl <seconds>' argument missing"],
  ["project update project_a", "Nothing to change: give --name, --region or both"],
  ["revoke alice", '"alice" is not a username such as "1718200000:project_ab12:alice"'],
  ["explain-peer relay.example.com", '"relay.example.com" is not an IP address, with a port or without'],
];

describe("a mistake in what is typed is exit code 2, and nothing on stdout", () => {
  for (const [argv, sentence] of mistakes) {
    test(argv, async () => {
      await using world = new FakeWorld();
      const { code, stdout, stderr } = await world.run(argv.split(" "));
      assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: "", stderr: `icebreaker: ${sentence}\n` });
    });
  }

  test("no command at all: the help, on stderr", async () => {
    await using world = new FakeWorld();
    const { code, stdout, stderr } = await world.run([]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^Usage: icebreaker/);
  });
});

describe("help and version", () => {
  test("--version prints the version", async () => {
    await using world = new FakeWorld();
    assert.deepEqual((await world.run(["--version"])).stdout, `${manifest.version}\n`);
  });

  for (const command of ["serve", "project", "key", "mint", "revoke", "check", "bench", "config", "explain-peer", "systemd"]) {
    test(`help ${command} goes to stdout, and so does the command's --help`, async () => {
      await using world = new FakeWorld();
      const { code, stdout, stderr } = await world.run(["help", command]);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, new RegExp(`^Usage: icebreaker ${command} `));
      assert.match(stdout, /--config <file>/);
      assert.equal((await world.run([command, "--help"])).stdout, stdout);
    });
  }
});

describe("the configuration behind every command", () => {
  test("an unknown key is exit code 2 and names the nearest; a wrong value is 1; both are said at once", async () => {
    await using world = new FakeWorld();
    const file = join(world.directory, "a.toml");
    writeFileSync(file, "[relay]\nworker = 1\n[log]\nlevel = 5\n");
    const both = await world.run(["project", "list", "--config", "a.toml"]);
    assert.deepEqual(
      [both.code, both.stderr],
      [
        2,
        `icebreaker: ${file}:2:1: relay.worker is no setting: did you mean relay.workers?\nicebreaker: ${file}:4:1: log.level is 5, not a text: put it in quotes\n`,
      ],
    );
    writeFileSync(file, "[log]\nlevel = 5\n");
    assert.equal((await world.run(["serve", "--config", file])).code, 1);
    assert.equal((await world.run(["--config", file, "config"])).code, 1);
    assert.equal((await world.run(["systemd"], { env: { ICEBREAKER_CONFIG: file } })).code, 1);
  });

  test("without a database a command says where it looked, and which setting led there", async () => {
    await using world = new FakeWorld();
    const state = join(world.directory, "state");
    const sentence = (where: string) =>
      `icebreaker: There is no database at ${where}: only "icebreaker serve" makes a database\n`;
    for (const argv of [
      ["project", "list"],
      ["key", "list", "p"],
      ["mint", "p"],
      ["revoke", "9999999999:project_a:b"],
    ]) {
      const { code, stdout, stderr } = await world.run(argv);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.equal(
        stderr,
        sentence(`${state}/icebreaker.db (database.url is sqlite:icebreaker.db, the default, and state_dir ${state})`),
      );
    }
    const { stderr } = await world.run(["project", "list"], { env: { ICEBREAKER_DATABASE_URL: "sqlite:/nowhere/a.db" } });
    assert.equal(stderr, sentence("/nowhere/a.db (database.url is sqlite:/nowhere/a.db)"));
  });

  test("a database that cannot be reached is named without its password", async () => {
    await using world = new FakeWorld();
    const env = { ICEBREAKER_DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/d" };
    const { code, stderr } = await world.run(["project", "list"], { env });
    assert.equal(code, 1);
    assert.match(stderr, /database\.url is postgres:\/\/u:\*\*\*@127\.0\.0\.1:1\/d/);
    assert.doesNotMatch(stderr, /hunter2/);
  });

  test("a variable that is no setting is a warning, and a feature yet to come only where the configuration is looked at", async () => {
    await using world = await FakeWorld.withDatabase();
    const env = { ICEBREAKER_DATABASE_ULR: "x", ICEBREAKER_SHUTDOWN_UPGRADE_DEADLINE: "5" };
    const warning =
      "icebreaker: warning: ICEBREAKER_DATABASE_ULR is no setting and is ignored: did you mean ICEBREAKER_DATABASE_URL?\n";
    const list = await world.run(["project", "list"], { env });
    assert.deepEqual([list.code, list.stderr], [0, warning]);
    const config = await world.run(["config"], { env });
    assert.equal(
      config.stderr,
      `${warning}icebreaker: warning: No effect yet: shutdown.upgrade_deadline (this feature is still to come)\n`,
    );
  });
});
