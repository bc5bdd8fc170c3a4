import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { KEYS } from "../../src/config/keys.ts";
import { configurationPage } from "../../src/config/page.ts";

describe("docs/configuration.md", () => {
  const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");

  test("is what the schema says: run `npm run configuration-page`", () => assert.equal(page, configurationPage()));

  test("describes every key and names every variable", () => {
    for (const { schema, variable } of KEYS) {
      assert.ok(schema.description, JSON.stringify(schema));
      if (variable !== undefined) assert.ok(page.includes(`\`${variable}\``), variable);
    }
  });
});
