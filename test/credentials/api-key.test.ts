import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { hashApiKey, isApiKey, looksLikeApiKey, makeApiKey, withoutApiKeys } from "../../src/credentials/api-key.ts";
import { randomFrom } from "../../src/lib/random.ts";

test("a key is ibk_ and 40 letters and digits, and only its hash is kept", () => {
  const { text, hash } = makeApiKey(randomFrom(randomBytes));
  assert.match(text.revealText(), /^ibk_[0-9A-Za-z]{40}$/);
  assert.equal(hash, hashApiKey(text.revealText()));
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.ok(isApiKey(text.revealText()));
  assert.notEqual(makeApiKey(randomFrom(randomBytes)).hash, hash);
  assert.ok(!JSON.stringify({ text }).includes("ibk_"), "it does not print");
});

test("anything else is no key", () => {
  for (const text of ["", "ibk_", "ibk_short", `ibk_${"a".repeat(41)}`, `IBK_${"a".repeat(40)}`, `ibk_${"-".repeat(40)}`]) {
    assert.ok(!isApiKey(text), text);
  }
  assert.ok(looksLikeApiKey("ibk_short"));
  assert.ok(!looksLikeApiKey("eyJhbGciOiJIUzI1NiJ9"));
});

test("a text is shown without the keys in it", () => {
  const key = makeApiKey(randomFrom(randomBytes)).text.revealText();
  assert.equal(withoutApiKeys(`no key "${key}", nor ${key}`), 'no key "ibk_***", nor ibk_***');
  assert.equal(withoutApiKeys("keys begin with ibk_"), "keys begin with ibk_");
});
