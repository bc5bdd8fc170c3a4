import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex } from "../../src/lib/bytes.ts";
import { parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { dump } from "../../src/stun/dump.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { MessageBuilder } from "../../src/stun/message.ts";
import { vector } from "../support/vectors.ts";

const transactionId = fromHex("b7e7a701 bc34d686 fa87dfae");

describe("dump", () => {
  test("RFC 5769 §2.1 in words", () => {
    assert.deepEqual(dump(vector("rfc5769-request")).split("\n"), [
      "binding request, 88 octets, transaction b7e7a701bc34d686fa87dfae",
      '  SOFTWARE  "STUN test client"',
      "  0x0024  6e0001ff (unknown, required)",
      "  0x8029  932ff9b151263b36 (unknown, optional)",
      '  USERNAME  "evtj:h6vY"',
      "  MESSAGE-INTEGRITY  9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2",
      "  FINGERPRINT  0xe57a3bcf (right)",
    ]);
  });

  test("addresses, flags and structures", () => {
    const bytes = new MessageBuilder(METHOD.allocate, CLASS.error, transactionId)
      .add(ATTRIBUTE.xorRelayedAddress, parseAddress("192.0.2.1:49152"))
      .add(ATTRIBUTE.dontFragment, true)
      .add(ATTRIBUTE.errorCode, { code: 437, reason: "Allocation Mismatch" })
      .add(ATTRIBUTE.passwordAlgorithms, [{ algorithm: 2, parameters: fromHex("") }])
      .build();
    assert.deepEqual(dump(bytes).split("\n").slice(1), [
      "  XOR-RELAYED-ADDRESS  192.0.2.1:49152",
      "  DONT-FRAGMENT",
      '  ERROR-CODE  {"code":437,"reason":"Allocation Mismatch"}',
      '  PASSWORD-ALGORITHMS  [{"algorithm":2,"parameters":""}]',
    ]);
  });

  test("what is malformed or does not count says so", () => {
    const bytes = fromHex(`00030024 2112a442 b7e7a701bc34d686fa87dfae 000d0001 00000000 00080014 ${"00".repeat(20)} 80220000`);
    assert.deepEqual(dump(bytes).split("\n").slice(1), [
      "  LIFETIME  00 (malformed)",
      `  MESSAGE-INTEGRITY  ${"00".repeat(20)}`,
      '  SOFTWARE  "" (ignored: behind the integrity)',
    ]);
  });

  test("ChannelData, and neither", () => {
    assert.equal(dump(fromHex("40010002 6869")), "ChannelData 0x4001, 2 octets\n  6869");
    assert.equal(dump(fromHex("ff")), "neither STUN nor ChannelData, 1 octets\n  ff");
  });
});
