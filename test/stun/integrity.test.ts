import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, fromHex, toHex, writeUint16 } from "../../src/lib/bytes.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { checkFingerprint } from "../../src/stun/fingerprint.ts";
import { CLASS, METHOD, writeBodyLength } from "../../src/stun/header.ts";
import {
  integrityCode,
  longTermKey,
  longTermKeySha256,
  userhash,
  verifyIntegrity,
  verifyIntegritySha256,
} from "../../src/stun/integrity.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";

const transactionId = fromHex("b7e7a701 bc34d686 fa87dfae");
const keys = [
  { name: "an empty key", key: fromHex("") },
  { name: "16 octets", key: longTermKey("user", "realm", "pass") },
  { name: "octets that are no text", key: fromHex("ff00fe80") },
  { name: "a key longer than a block", key: new Uint8Array(200).fill(7) },
];

function builder(): MessageBuilder {
  return new MessageBuilder(METHOD.allocate, CLASS.request, transactionId).add(ATTRIBUTE.requestedTransport, 17);
}

function decoded(bytes: Uint8Array): Message {
  const message = Message.decode(bytes);
  assert.ok(message);
  return message;
}

describe("integrity", () => {
  for (const { name, key } of keys) {
    test(`what is signed with ${name} verifies with it alone, behind it SHA256 and FINGERPRINT or not`, () => {
      const wrong = concat(key, fromHex("01"));
      for (const bytes of [builder().sign(key).build(), builder().sign(key).signSha256(key).fingerprint().build()]) {
        assert.ok(verifyIntegrity(decoded(bytes), key));
        assert.ok(!verifyIntegrity(decoded(bytes), wrong));
      }
      for (const bytes of [builder().signSha256(key).build(), builder().sign(key).signSha256(key).fingerprint().build()]) {
        assert.ok(verifyIntegritySha256(decoded(bytes), key));
        assert.ok(!verifyIntegritySha256(decoded(bytes), wrong));
      }
    });
  }

  test("what is not there does not verify", () => {
    const key = fromHex("00");
    assert.ok(!verifyIntegrity(decoded(builder().signSha256(key).build()), key));
    assert.ok(!verifyIntegritySha256(decoded(builder().sign(key).build()), key));
  });

  test("RFC 8489 §14.6: SHA256 has 16 to 32 octets in steps of 4, and proves something when it has all", () => {
    const key = fromHex("0102");
    for (const bytes of [8, 12, 16, 20, 24, 28, 30, 32]) {
      const plain = builder().build();
      const code = integrityCode("sha256", plain, plain.length, key, bytes).subarray(0, bytes);
      const padded = new Uint8Array((bytes + 3) & ~3);
      padded.set(code);
      const signed = concat(plain, fromHex("001c0000"), padded);
      writeUint16(signed, plain.length + 2, bytes);
      writeBodyLength(signed, signed.length - 20);
      const message = decoded(signed);
      const isWellFormed = bytes >= 16 && bytes % 4 === 0;
      assert.equal(message.messageIntegritySha256 !== undefined, isWellFormed, `${bytes} octets`);
      assert.equal(verifyIntegritySha256(message, key), bytes === 32, `${bytes} octets`);
    }
  });

  test("every bit in front of the code counts", () => {
    const key = fromHex("0102");
    const bytes = builder().sign(key).build();
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const message = Message.decode(changed);
      assert.ok(message === undefined || !verifyIntegrity(message, key), `bit ${bit}`);
    }
  });
});

describe("keys", () => {
  test("RFC 8489 §9.2.2: MD5 and SHA-256 of username, realm and password", () => {
    assert.equal(toHex(longTermKey("user", "realm", "pass")), "8493fbc53ba582fb4c044c456bdc40eb");
    const sha256 = "07e934117abd40836e7c6329b54731b2b2d2a5f9a71f544922d75e0730d8251b";
    assert.equal(toHex(longTermKeySha256("user", "realm", "pass")), sha256);
  });

  test("RFC 8265: composed and decomposed letters, and all kinds of space, make one password", () => {
    assert.deepEqual(longTermKey("u", "r", "e\u0301 x"), longTermKey("u", "r", "\u00e9\u00a0x"));
    assert.notDeepEqual(longTermKey("u", "r", "a"), longTermKey("u", "r", "A"));
  });

  test("RFC 8489 §14.4: USERHASH is 32 octets of username and realm", () => {
    assert.equal(
      toHex(userhash("マトリックス", "example.org")),
      "4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704",
    );
  });
});

describe("fingerprint", () => {
  test("is right, wrong or absent", () => {
    const right = builder().fingerprint().build();
    assert.equal(checkFingerprint(decoded(right)), "right");
    assert.equal(checkFingerprint(decoded(builder().build())), "absent");
    const wrong = right.slice();
    wrong[8] = (wrong[8] ?? 0) ^ 1;
    assert.equal(checkFingerprint(decoded(wrong)), "wrong");
  });

  test("is wrong where it is not the last attribute, or has another length", () => {
    const followed = concat(builder().fingerprint().build(), fromHex("80220000"));
    writeBodyLength(followed, followed.length - 20);
    assert.equal(checkFingerprint(decoded(followed)), "wrong");
    const short = concat(builder().build(), fromHex("80280002 00000000"));
    writeBodyLength(short, short.length - 20);
    assert.equal(checkFingerprint(decoded(short)), "wrong");
  });
});
