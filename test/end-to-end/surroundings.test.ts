import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runToEnd } from "../support/child.ts";
import { executable } from "../support/executable.ts";
import { pathOf, unless } from "../support/needs.ts";
import { UNHURRIED } from "../support/shared.ts";
import manifest from "../../package.json" with { type: "json" };

const NOBODY = "65534";
const INTRUDED = "intruded";

/**
 * Goal: whoever starts the executable, or owns the folder it is started in, cannot make it run code of theirs.
 *
 * Method: each way that the runtime has for that is laid out with a script that leaves a file behind. `BUN_BE_BUN` is not
 * among them: it cannot be turned off, and is why the file never gets capabilities.
 */
describe("the executable and what surrounds it", () => {
  const intrusions = [
    { what: "BUN_OPTIONS=--preload", env: (script: string) => ({ BUN_OPTIONS: `--preload ${script}` }) },
    { what: "BUN_OPTIONS=--config", env: () => ({ BUN_OPTIONS: "--config=bunfig.toml" }) },
    { what: "BUN_INSPECT_PRELOAD", env: (script: string) => ({ BUN_INSPECT_PRELOAD: script }) },
    { what: "NODE_OPTIONS=--require", env: (script: string) => ({ NODE_OPTIONS: `--require ${script}` }) },
    { what: "./bunfig.toml with preload", env: () => ({}) },
  ];
  for (const { what, env } of intrusions) {
    test(`${what} runs nothing`, UNHURRIED, async () => {
      const path = await executable();
      await inFolder(async (folder) => {
        const script = join(folder, "intruder.cjs");
        const left = join(folder, INTRUDED);
        await writeFile(script, `require("node:fs").writeFileSync(${JSON.stringify(left)}, "");`);
        if (what.includes("bunfig") || what.includes("config"))
          await writeFile(join(folder, "bunfig.toml"), `preload = ["./intruder.cjs"]\n`);
        const { stdout } = await runToEnd(path, ["--version"], { cwd: folder, env: env(script) });
        assert.equal(await exists(left), false, "the script ran");
        assert.ok(stdout === "" || stdout === `${manifest.version}\n`, stdout);
      });
    });
  }

  test("the intruder's script is one that runs where it may", UNHURRIED, async () => {
    await inFolder(async (folder) => {
      const script = join(folder, "intruder.cjs");
      await writeFile(script, `require("node:fs").writeFileSync(${JSON.stringify(join(folder, INTRUDED))}, "");`);
      await runToEnd(pathOf("bun") ?? "", ["--preload", script, "--print", "1"], { cwd: folder });
      assert.equal(await exists(join(folder, INTRUDED)), true);
    });
  });

  test("BUN_INSPECT opens no debugger", UNHURRIED, async () => {
    const { code, stdout, stderr } = await runToEnd(await executable(), ["--version"], { env: { BUN_INSPECT: "127.0.0.1:0/x" } });
    assert.notEqual(code, 0);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: BUN_INSPECT cannot be used/);
  });

  test("./.env sets nothing", UNHURRIED, async () => {
    const path = await executable();
    await inFolder(async (folder) => {
      await writeFile(join(folder, ".env"), "ICEBREAKER_REGION=eu-central\n");
      const { code, stdout } = await runToEnd(path, ["config", "--json"], { cwd: folder, env: {} });
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /eu-central/);
      const told = await runToEnd(path, ["config", "--json"], { cwd: folder, env: { ICEBREAKER_REGION: "eu-central" } });
      assert.match(told.stdout, /eu-central/, "where it is told");
    });
  });

  const commands = [["--version"], ["help"], ["config"], ["systemd"], ["explain-peer", "192.0.2.1"]];
  const asNobody = process.getuid?.() === 0 ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const skip = unless(
    asNobody.length === 0 || pathOf("setpriv") !== undefined,
    "setpriv is not installed (the package util-linux)",
  );
  for (const command of commands) {
    test(`${command.join(" ")} with an empty environment, in an empty folder that cannot be written`, {
      ...UNHURRIED,
      skip,
    }, async () => {
      const path = await executable();
      await inFolder(async (folder) => {
        await chmod(folder, 0o555);
        const [program = "", ...args] = [...asNobody, "/usr/bin/env", "-i", path, ...command];
        const { code, stdout, stderr } = await runToEnd(program, args, { cwd: folder });
        assert.equal(code, 0, stderr);
        assert.ok(stdout.length > 0);
      });
    });
  }

  test("flags of the runtime are the program's to judge", UNHURRIED, async () => {
    for (const flag of ["--inspect", "--preload=x", "-e"]) {
      const { code, stderr } = await runToEnd(await executable(), [flag], {});
      assert.equal(code, 2, stderr);
    }
  });
});

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "icebreaker-surroundings-"));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
