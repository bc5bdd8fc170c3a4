import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KEY_BY_NAME, TABLE_NAMES } from "../../src/config/keys.ts";
import { YET_TO_COME, yetToCome } from "../../src/config/yet-to-come.ts";
import { load } from "./fake-files.ts";

describe("features yet to come", () => {
  for (const name of YET_TO_COME)
    test(`${name} is a setting or a table`, () => assert.ok(KEY_BY_NAME.has(name) || TABLE_NAMES.includes(name)));

  test("are silent until one is set", () => assert.equal(yetToCome(["listen.udp"]), undefined));

  test("are named by their table where all of it waits", () => {
    const sentence = "No effect yet: tls.acme (this feature is still to come)";
    assert.equal(yetToCome(["tls", "tls.acme", "tls.acme.email"]), sentence);
    assert.deepEqual(load('hostname = "a.example"\n[tls.acme]').warnings, [sentence]);
  });

  test("are named together", () => {
    assert.equal(yetToCome(["tls.acme"]), "No effect yet: tls.acme (this feature is still to come)");
    assert.equal(
      yetToCome(["tls.acme.email", "region", "shutdown.upgrade_deadline"]),
      "No effect yet: shutdown.upgrade_deadline, tls.acme (these features are still to come)",
    );
  });
});
