import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../support/child.ts";
import { needs, pathOf } from "../support/needs.ts";
import { shared, UNHURRIED } from "../support/shared.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = join(root, "test/support/platform/platform.ts");
const NEEDED = ["tls", "http", "sqlite", "threads", "datagrams", "native"];

/**
 * Goal: a new version of a runtime that takes away what the architecture builds on says so by name.
 *
 * Method: one program that uses each thing as the product does, on Bun, on Deno, and compiled as the product is.
 */
describe("what the architecture takes from the platform", () => {
  const bun = pathOf("bun") ?? "";
  const compiled = shared(async () => {
    const folder = await mkdtemp(join(tmpdir(), "icebreaker-platform-"));
    const outfile = join(folder, "platform");
    const flags = ["--compile", "--minify-syntax", "--minify-whitespace", "--bytecode", "--format=esm"];
    const hardened = "--compile-exec-argv=--disallow-code-generation-from-strings=strict";
    const thread = program.replace("platform.ts", "thread.ts");
    const { code, stderr } = await runToEnd(bun, ["build", ...flags, hardened, `--outfile=${outfile}`, program, thread]);
    assert.equal(code, 0, stderr);
    return { outfile, stop: () => rm(folder, { recursive: true, force: true }) };
  });

  for (const name of NEEDED) {
    test(`${name}, on Bun`, UNHURRIED, () => works([bun, program], name));
    test(`${name}, compiled`, UNHURRIED, async () => works([(await compiled()).outfile], name));
  }
  describe("on Deno", { skip: needs("deno") }, () => {
    const deno = [pathOf("deno") ?? "", "run", "--allow-all", "--no-check", `--config=${join(root, "deno.json")}`, program];
    for (const name of NEEDED) test(`${name}, on Deno`, UNHURRIED, () => works(deno, name));
  });
});

async function works([command = "", ...args]: readonly string[], name: string): Promise<void> {
  const { code, stdout, stderr } = await runToEnd(command, [...args, name], { withinMs: UNHURRIED.timeout - 5000 });
  assert.deepEqual({ code, stdout }, { code: 0, stdout: `${name} works\n` }, stderr);
}
