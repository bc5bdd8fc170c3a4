import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatAddress } from "../../src/net/address.ts";
import { checkFingerprint } from "../../src/stun/fingerprint.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { longTermKey, verifyIntegrity } from "../../src/stun/integrity.ts";
import { Message } from "../../src/stun/message.ts";
import { vector } from "../support/vectors.ts";

const shortTermKey = new TextEncoder().encode("VOkJxbRl1RmTxUk/WvJxBt");

/** The message of a vector, or a failed test. */
function decoded(name: string): Message {
  const message = Message.decode(vector(name));
  assert.ok(message, `${name} decodes`);
  return message;
}

describe("RFC 5769", () => {
  test("§2.1: the sample request", () => {
    const request = decoded("rfc5769-request");
    assert.equal(request.method, METHOD.binding);
    assert.equal(request.class, CLASS.request);
    assert.equal(request.software, "STUN test client");
    assert.equal(request.username, "evtj:h6vY");
    assert.deepEqual(request.unknownRequired, [0x0024], "PRIORITY is ICE's, not ours");
    assert.ok(verifyIntegrity(request, shortTermKey));
    assert.equal(checkFingerprint(request), "right");
  });

  const responses = [
    { section: "§2.2", name: "rfc5769-response-ipv4", address: "192.0.2.1:32853" },
    { section: "§2.3", name: "rfc5769-response-ipv6", address: "[2001:db8:1234:5678:11:2233:4455:6677]:32853" },
  ];
  for (const { section, name, address } of responses) {
    test(`${section}: the sample response with ${address}`, () => {
      const response = decoded(name);
      assert.equal(response.class, CLASS.success);
      assert.equal(response.software, "test vector");
      assert.ok(response.xorMappedAddress);
      assert.equal(formatAddress(response.xorMappedAddress), address);
      assert.ok(verifyIntegrity(response, shortTermKey));
      assert.equal(checkFingerprint(response), "right");
    });
  }

  test("§2.4: the sample request with long-term authentication", () => {
    const request = decoded("rfc5769-long-term");
    const { username, realm, nonce } = request;
    assert.equal(username, "マトリックス");
    assert.equal(realm, "example.org");
    assert.equal(new TextDecoder().decode(nonce), "f//499k954d6OL34oL9FSTvy64sA");
    assert.ok(verifyIntegrity(request, longTermKey(username, realm, "TheMatrIX")));
    assert.ok(!verifyIntegrity(request, longTermKey(username, realm, "TheMatrix")));
    assert.equal(checkFingerprint(request), "absent");
  });
});
