import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { der, objectIdentifier, pem, sequence, TAG, time } from "../../src/edge/der.ts";
import { fromHex, toHex } from "../../src/lib/bytes.ts";

const vectors = [
  { name: "an empty sequence", octets: sequence(), hex: "3000" },
  { name: "127 octets", octets: der(TAG.octetString, new Uint8Array(127)), hex: `047f${"00".repeat(127)}` },
  { name: "128 octets", octets: der(TAG.octetString, new Uint8Array(128)), hex: `048180${"00".repeat(128)}` },
  { name: "256 octets", octets: der(TAG.octetString, new Uint8Array(256)), hex: `04820100${"00".repeat(256)}` },
  { name: "ecdsa-with-SHA256", octets: objectIdentifier("1.2.840.10045.4.3.2"), hex: "06082a8648ce3d040302" },
  { name: "id-kp-serverAuth", octets: objectIdentifier("1.3.6.1.5.5.7.3.1"), hex: "06082b06010505070301" },
  { name: "the last second of UTCTime", octets: time(Date.UTC(2049, 11, 31, 23, 59, 59)), hex: "170d3439313233313233353935395a" },
  { name: "the first of GeneralizedTime", octets: time(Date.UTC(2050, 0, 1)), hex: "180f32303530303130313030303030305a" },
];

describe("der", () => {
  for (const { name, octets, hex } of vectors) {
    test(`writes ${name}`, () => assert.equal(toHex(octets), hex));
  }

  test("PEM has lines of 64 characters", () => {
    assert.equal(pem("X", fromHex("00".repeat(49))), `-----BEGIN X-----\n${"A".repeat(64)}\nAA==\n-----END X-----\n`);
  });
});
