import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KEY_BY_NAME } from "../../src/config/keys.ts";
import { YET_TO_COME, yetToCome } from "../../src/config/yet-to-come.ts";

describe("features yet to come", () => {
  for (const name of YET_TO_COME) test(`${name} is a setting`, () => assert.ok(KEY_BY_NAME.has(name)));

  test("are silent until one is set", () => assert.equal(yetToCome(["listen.udp"]), undefined));

  test("are named together", () => {
    assert.equal(yetToCome(["relay.tcp"]), "No effect yet: relay.tcp (this feature is still to come)");
    assert.equal(
      yetToCome(["tls.passthrough", "region", "relay.tcp"]),
      "No effect yet: relay.tcp, tls.passthrough (these features are still to come)",
    );
  });
});
