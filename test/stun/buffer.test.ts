import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { longTermKey, verifyIntegrity } from "../../src/stun/integrity.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";

// Sockets hand over a Buffer, whose `slice` is a view: what is decoded from one must be a copy all the same.
describe("a message in a Buffer", () => {
  const key = longTermKey("user", "realm", "password");
  const built = new MessageBuilder(METHOD.createPermission, CLASS.request, new Uint8Array(12))
    .add(ATTRIBUTE.xorPeerAddress, parseAddress("192.0.2.7:99"))
    .sign(key)
    .fingerprint()
    .build();

  test("reads the same twice, verifies twice, and stays as it came", () => {
    const buffer = Buffer.from(built);
    for (let reading = 0; reading < 2; reading++) {
      const message = Message.decode(buffer);
      assert.ok(message?.xorPeerAddress);
      assert.equal(formatAddress(message.xorPeerAddress), "192.0.2.7:99");
      assert.equal(verifyIntegrity(message, key), true);
    }
    assert.deepEqual(new Uint8Array(buffer), built);
  });

  test("what was decoded outlives the Buffer", () => {
    const buffer = Buffer.from(built);
    const address = Message.decode(buffer)?.xorPeerAddress;
    buffer.fill(0);
    assert.ok(address);
    assert.equal(formatAddress(address), "192.0.2.7:99");
  });
});
