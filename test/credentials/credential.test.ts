import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { credentialKey, isLabel, mint, parseUsername } from "../../src/credentials/credential.ts";
import { fromHex, toHex } from "../../src/lib/bytes.ts";
import { Secret } from "../../src/lib/secret.ts";

const project = { id: "project_ab12", secret: new Secret(fromHex("0b".repeat(32))) };
const key = credentialKey(project, "eu-central");
const at = (unixMs: number) => ({ monotonicMs: 0, unixMs });

describe("mint", () => {
  test("says expiry, project and label in the username, and signs it", () => {
    const pair = mint(key, { ttl: 3600, label: "ann@example.com" }, at(1_718_196_400_000));
    assert.equal(pair.username, "1718200000:project_ab12:ann@example.com");
    assert.equal(pair.credential, createHmac("sha1", key.secret.reveal()).update(pair.username).digest("base64"));
    assert.equal(pair.credential.length, 28);
    assert.equal(pair.ttl, 3600);
  });
  test("rounds up to a whole second, so that no pair lives shorter than asked", () => {
    assert.equal(mint(key, { ttl: 1 }, at(1_000_001)).username, "1002:project_ab12");
  });
  test("is the same pair for the same second", () => {
    assert.deepEqual(mint(key, { ttl: 60 }, at(1_000_100)), mint(key, { ttl: 60 }, at(1_000_900)));
  });
  for (const ttl of [0, -1, 1.5, Number.NaN, Infinity]) {
    test(`refuses a ttl of ${ttl}`, () => assert.throws(() => mint(key, { ttl }, at(0)), RangeError));
  }
});

describe("credentialKey", () => {
  test("never changes: a fleet of two versions must agree", () => {
    assert.equal(toHex(key.secret.reveal()), KNOWN_KEY);
  });
  test("differs between regions and between projects", () => {
    const other = { id: "project_x", secret: new Secret(fromHex("0c".repeat(32))) };
    const keys = [key, credentialKey(project, "us-east"), credentialKey(other, "eu-central")];
    assert.equal(new Set(keys.map(({ secret }) => toHex(secret.reveal()))).size, 3);
  });
});

describe("parseUsername", () => {
  test("reads what mint writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 ** 9 }), fc.stringMatching(/^[A-Za-z0-9._@-]{1,128}$/), (ttl, label) => {
        const { username } = mint(key, { ttl, label }, at(0));
        assert.deepEqual(parseUsername(username), { project: project.id, label, expiresUnixMs: ttl * 1000 });
      }),
      { numRuns: 50 },
    );
  });
  for (const wrong of [
    "",
    ":",
    "1718200000",
    "1718200000:",
    "01718200000:project_ab12",
    "+1:project_ab12",
    "1e9:project_ab12",
    "1718200000:project_AB12",
    "1718200000:webrtc-gateway",
    "1718200000:project_ab12:",
    "1718200000:project_ab12:a:b",
    "1718200000:project_ab12:ä",
    `1718200000:project_ab12:${"a".repeat(129)}`,
    "1718200000:project_ab12\n",
    "999999999999:project_ab12",
  ]) {
    test(`refuses ${JSON.stringify(wrong).slice(0, 50)}`, () => assert.equal(parseUsername(wrong), undefined));
  }
});

test("a label is 1 to 128 of [A-Za-z0-9._@-]", () => {
  for (const right of ["a", "A.b_c@d-e", "9".repeat(128)]) assert.ok(isLabel(right), right);
  for (const wrong of ["", "a b", "a:b", "é", "9".repeat(129), "a\n"]) assert.ok(!isLabel(wrong), wrong);
});

// HKDF-SHA256 of 32 octets 0x0b, empty salt, info "icebreaker credential 1 eu-central"; found with Python's hmac.
const KNOWN_KEY = "936184f1ada3b1e34b2831e841fc3eef8f900ae8262997607610bb5d663d73d9";
