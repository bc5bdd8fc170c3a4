import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as imports from "./support/tidy/imports.ts";
import * as purity from "./support/tidy/purity.ts";
import { type Finding, type Rule, type Source, sourceFrom } from "./support/tidy/rule.ts";
import * as shape from "./support/tidy/shape.ts";
import { foreignWords } from "./support/tidy/words.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const CODE_FOLDERS = ["src", "test", "tools", "bench", "examples"];
const TEXT = /\.(ts|mjs|js|json|md|toml|html|css|sql|svg|csv|hex|yml|yaml|txt)$|(^|\/)(LICENSE|run|\.npmrc|\.gitignore)$/;

const rules: readonly Rule[] = [
  imports.followsTheTable,
  imports.packagesHaveOneHome,
  imports.pathsAreWhole,
  imports.noBarrels,
  purity.noWorldInPureFolders,
  purity.noWaitingInPureFolders,
  purity.noSystemInPureFolders,
  purity.noStateInPureFolders,
  purity.nothingHappensOnImport,
  purity.onlyRuntimeKnowsRuntimes,
  purity.onlyStoreKnowsSql,
  shape.filesAreShort,
  shape.functionsAreShort,
  shape.noAny,
  shape.noAssertions,
  shape.noConsole,
  shape.noDefaultExports,
  shape.noSilentCatch,
  shape.noEnums,
  shape.namesAreKebabCase,
  shape.exportsAreExplained,
  shape.noLeftovers,
  shape.testsRun,
];

const listed = (findings: readonly Finding[]): string =>
  findings.map(({ path, line, what }) => `\n  ${path}:${line} ${what}`).join("");

/** The architecture, checked: a rule that is broken fails with its sentence and every place that breaks it. */
describe("the house", () => {
  const sources = codeFiles();

  for (const rule of rules) {
    test(rule.sentence, () => {
      const findings = sources.flatMap((source) => rule.find(source));
      assert.ok(findings.length === 0, `${rule.sentence}:${listed(findings)}`);
    });
  }

  test("The project speaks of itself alone, in every text that is kept", () => {
    const findings = keptFiles()
      .filter((path) => TEXT.test(path))
      .flatMap((path) => foreignWords(path, readFileSync(`${root}${path}`, "utf8")));
    assert.ok(findings.length === 0, listed(findings));
  });

  test("Every layer is in the table of imports, and has its tests in a folder of the same name", () => {
    const layers = readdirSync(`${root}src`).filter((name) => statSync(`${root}src/${name}`).isDirectory());
    const strangers = layers.filter((layer) => !imports.MAY_IMPORT.has(layer));
    const untested = layers.filter((layer) => !existsSync(`${root}test/${layer}`));
    assert.deepEqual({ strangers, untested }, { strangers: [], untested: [] });
  });

  const map = `${root}ARCHITECTURE.md`;
  test("ARCHITECTURE.md §13 is the table that is checked", {
    skip: existsSync(map) ? false : "there is no ARCHITECTURE.md yet",
  }, () => {
    assert.deepEqual(imports.differencesTo(readFileSync(map, "utf8")), []);
  });
});

function codeFiles(): readonly Source[] {
  const paths = CODE_FOLDERS.filter((folder) => existsSync(`${root}${folder}`)).flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
  );
  return [...paths, "build.ts"]
    .filter((path) => /\.(ts|mjs)$/.test(path) && !path.includes("node_modules") && existsSync(`${root}${path}`))
    .map((path) => sourceFrom(path, readFileSync(`${root}${path}`, "utf8")));
}

/** What git keeps; in an unpacked archive, the code. */
function keptFiles(): readonly string[] {
  try {
    const output = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return output.split("\0").filter((path) => path !== "" && existsSync(`${root}${path}`));
  } catch {
    return codeFiles().map(({ path }) => path);
  }
}
