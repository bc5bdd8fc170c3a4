import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { Secret } from "../../src/lib/secret.ts";

describe("Secret", () => {
  test("prints as three stars, wherever it ends up", () => {
    const secret = new Secret("open sesame");
    const printed = [
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }),
      String(secret),
      inspect([secret], { showHidden: true }),
    ];
    for (const text of printed) {
      assert.ok(text.includes("***"), text);
      assert.ok(!text.includes("sesame"), text);
    }
  });

  test("reveals its octets, and its text", () => {
    assert.equal(new Secret("naïve").revealText(), "naïve");
    assert.deepEqual(new Secret(Uint8Array.of(1, 2)).reveal(), Uint8Array.of(1, 2));
  });
});
