import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadSettings } from "../../src/config/load.ts";
import { operations } from "../../src/http/openapi.ts";
import { problemCodes } from "../../src/http/problem.ts";
import { fakeFiles } from "../config/fake-files.ts";
import { runToEnd } from "../support/child.ts";
import { executable } from "../support/executable.ts";
import { startGateway } from "../support/gateway.ts";
import { UNHURRIED } from "../support/shared.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

/** Blocks of one language. */
function blocks(language: string): readonly string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text = ""]) => text);
}

describe("the README keeps its word", () => {
  test("its first mint works as it stands, and is answered in the shape that is shown", UNHURRIED, async () => {
    const command = blocks("sh").find((text) => text.startsWith("curl")) ?? "";
    const shown = JSON.parse(blocks("json")[0] ?? "");
    const gateway = await startGateway();
    const script = command.replace("http://127.0.0.1:8080", `http://127.0.0.1:${gateway.ports.http}`);
    const env = { PATH: process.env["PATH"], ICEBREAKER_API_KEY: gateway.key };
    const { stdout, stderr } = await runToEnd("sh", ["-c", `${script.trimEnd()} --silent --show-error`], { env });
    assert.notEqual(stdout, "", stderr);
    assert.deepEqual(shape(JSON.parse(stdout)), shape(shown));
    assert.match(JSON.parse(stdout).username, /^\d+:project_\w+:user-42$/);
    await gateway.stop();
  });

  test("every command that it names is one", UNHURRIED, async () => {
    const path = await executable();
    const named = new Set(
      [...readme.matchAll(/icebreaker ([a-z][a-z-]+)(?: (create|list|show|update|delete|revoke)\b)?/g)].map(([, one = "", two]) =>
        [one, two].join(" ").trim(),
      ),
    );
    const commands = [...named].filter(
      (words) =>
        (!/^(is|the|ibk)\b/.test(words) && readme.includes(`\`icebreaker ${words}`)) || readme.includes(`\nicebreaker ${words}`),
    );
    assert.ok(commands.length >= 9, commands.join());
    for (const words of commands) {
      const { code, stderr } = await runToEnd(path, ["help", ...words.split(" ")]);
      assert.equal(code, 0, stderr);
    }
  });

  test("its configuration is one", () => {
    for (const toml of blocks("toml")) {
      const files = fakeFiles({ "/icebreaker.toml": toml });
      const { warnings } = loadSettings({ flag: "/icebreaker.toml", env: {}, cwd: "/", files });
      assert.deepEqual(warnings, []);
    }
  });

  test("its tables of paths and problems are those of the API", () => {
    for (const { code, status } of problemCodes) {
      const row = readme.split("\n").find((line) => line.startsWith("|") && line.includes(`\`${code}\``)) ?? "";
      assert.ok(row.includes(`${status}`), `${code} ${status}`);
    }
    for (const { method, path } of operations) assert.ok(readme.includes(`${method.toUpperCase()} ${path}`), `${method} ${path}`);
  });

  test("what it links to is there", () => {
    for (const [, target = ""] of readme.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
      assert.ok(existsSync(join(root, target)), target);
  });
});

/** The same with every text and number as the name of its type. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}
