import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { rowsOf, testNames } from "../support/test-names.ts";

const folder = "docs/rfc";
const root = join(import.meta.dirname, "../..");
const pages = readdirSync(join(root, folder))
  .filter((file) => /^rfc\d+\.md$/.test(file))
  .sort();
const STATES = ["held", "differs", "not applicable", "not yet"] as const;

interface Row {
  readonly id: string;
  readonly section: string;
  readonly level: string;
  readonly requirement: string;
  readonly state: string;
  readonly reason: string;
}

function ledger(page: string): Row[] {
  return rowsOf(`${folder}/${page}`, 6).map(([id = "", section = "", level = "", requirement = "", state = "", reason = ""]) => ({
    id,
    section,
    level,
    requirement,
    state,
    reason,
  }));
}

/** Whether a text is a sentence: the reason of a row that no test holds. */
function isSentence(text: string): boolean {
  return /^[A-Z`0-9].{10,}\.$/.test(text) || /^As \d{4}-[\w.-]+\.$/.test(text);
}

describe("the ledger in docs/rfc", () => {
  const names = testNames("test");

  test("has a page for each RFC", () => {
    assert.deepEqual(pages, ["rfc6062.md", "rfc7065.md", "rfc7443.md", "rfc8016.md", "rfc8489.md", "rfc8656.md"]);
    assert.ok(pages.flatMap(ledger).length >= 250, "the tables are read");
  });

  for (const page of pages) {
    test(`${page}: what is held is held by a test that exists`, () => {
      for (const { id, state, reason } of ledger(page)) {
        if (state === "held") assert.ok(names.has(reason), `${id}: no test is named "${reason}"`);
      }
    });

    test(`${page}: what is not held says why`, () => {
      for (const { id, state, reason } of ledger(page)) {
        if (state !== "held") assert.ok(isSentence(reason), `${id}: "${reason}" is no sentence`);
      }
    });

    test(`${page}: rows are numbered by their section, each once, with a level and a state`, () => {
      const rows = ledger(page);
      const rfc = page.slice(3, 7);
      for (const { id, section, level, requirement, state } of rows) {
        const [, within = ""] = new RegExp(`^${rfc}-([\\d.]+)-\\d+$`).exec(id) ?? [];
        assert.ok(section.startsWith(`§${within}`), `${id} is in ${section}`);
        assert.match(level, /^(MUST|MUST NOT|SHOULD|SHOULD NOT|RECOMMENDED|MAY)$/, id);
        assert.ok(
          STATES.some((each) => each === state),
          `${id}: ${state}`,
        );
        assert.ok(requirement.length > 10, id);
      }
      assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
    });
  }

  test("refers to no row that is not there", () => {
    const ids = new Set(pages.flatMap(ledger).map(({ id }) => id));
    for (const { id, reason } of pages.flatMap(ledger)) {
      for (const [named] of reason.matchAll(/\b\d{4}-[\d.]+-\d+\b/g)) assert.ok(ids.has(named), `${id} refers to ${named}`);
    }
  });

  test("README.md counts the rows", () => {
    const text = readFileSync(join(root, folder, "README.md"), "utf8");
    const counts = (rows: readonly Row[]): string =>
      STATES.map((state) => rows.filter((row) => row.state === state).length).join(" | ");
    const lines = [
      ...pages.map((page) => `| [RFC ${page.slice(3, 7)}](${page}) | ${counts(ledger(page))} |`),
      `| all | ${counts(pages.flatMap(ledger))} |`,
    ];
    for (const line of lines) assert.ok(text.includes(line), `README.md must say\n${lines.join("\n")}`);
  });
});
