import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../support/child.ts";
import { needs } from "../support/needs.ts";
import { SLOW } from "../support/shared.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Goal: whoever builds a commit gets the octets that everybody else gets, wherever the clone lies.
 *
 * Method: two clones, in folders of different depth, each with packages of its own; the outfile has the same name.
 */
test("two clones in different folders give the same octets", { ...SLOW, skip: needs("git", "cp", "cmp") }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "icebreaker-clones-"));
  try {
    const commit = (await must("git", ["rev-parse", "HEAD"])).trim();
    const one = await built(join(folder, "one"), commit);
    const other = await built(join(folder, "somewhere", "else", "the other"), commit);
    await must("cmp", [one, other]);
    assert.equal((await readFile(one)).includes(folder), false, "the executable names the folder it was built in");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** The path of the executable that a clone builds. */
async function built(clone: string, commit: string): Promise<string> {
  await mkdir(clone, { recursive: true });
  await must("git", ["clone", "--quiet", "--shared", root, clone]);
  await must("git", ["checkout", "--quiet", commit], clone);
  await must("cp", ["-a", "--reflink=auto", join(root, "node_modules"), clone]);
  await must(join(clone, "node_modules", ".bin", "bun"), ["build.ts"], clone);
  return join(clone, "dist", "icebreaker");
}

async function must(command: string, args: readonly string[], cwd = root): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(command, args, { cwd });
  assert.equal(code, 0, `${command} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}
