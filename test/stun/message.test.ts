import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, fromHex, toHex } from "../../src/lib/bytes.ts";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { CLASS, classOf, METHOD, messageType, methodOf } from "../../src/stun/header.ts";
import { MAX_ATTRIBUTES, Message, MessageBuilder } from "../../src/stun/message.ts";

const transactionId = fromHex("b7e7a701 bc34d686 fa87dfae");
const key = fromHex("00112233");

/** A Binding request with this body behind its header. */
function request(body: string): Uint8Array {
  const octets = fromHex(body);
  const length = octets.length.toString(16).padStart(4, "0");
  return concat(fromHex(`0001${length}2112a442`), transactionId, octets);
}

function decoded(bytes: Uint8Array): Message {
  const message = Message.decode(bytes);
  assert.ok(message);
  return message;
}

describe("Message.decode", () => {
  const refused = [
    { name: "nothing", wire: "" },
    { name: "a header one octet short", wire: "00010000 2112a442 b7e7a701 bc34d686 fa87df" },
    { name: "first bits 01", wire: "40010000 2112a442 b7e7a701 bc34d686 fa87dfae" },
    { name: "first bits 10", wire: "80010000 2112a442 b7e7a701 bc34d686 fa87dfae" },
    { name: "first bits 11", wire: "c0010000 2112a442 b7e7a701 bc34d686 fa87dfae" },
    { name: "another cookie", wire: "00010000 2112a443 b7e7a701 bc34d686 fa87dfae" },
    { name: "a length that is no multiple of 4", wire: "00010002 2112a442 b7e7a701 bc34d686 fa87dfae 0000" },
    { name: "a length that promises more", wire: "00010004 2112a442 b7e7a701 bc34d686 fa87dfae" },
    { name: "octets behind the end", wire: "00010000 2112a442 b7e7a701 bc34d686 fa87dfae 80220000" },
    { name: "an attribute that reaches past the end", wire: "00010004 2112a442 b7e7a701 bc34d686 fa87dfae 80220001" },
    { name: "the longest attribute in a short message", wire: "00010004 2112a442 b7e7a701 bc34d686 fa87dfae 8022ffff" },
  ];
  for (const { name, wire } of refused) {
    test(`refuses ${name}`, () => assert.equal(Message.decode(fromHex(wire)), undefined));
  }

  test(`takes ${MAX_ATTRIBUTES} attributes and no more`, () => {
    assert.equal(decoded(request("80220000".repeat(MAX_ATTRIBUTES))).offsets.length, MAX_ATTRIBUTES);
    assert.equal(Message.decode(request("80220000".repeat(MAX_ATTRIBUTES + 1))), undefined);
  });

  test("does not look at padding", () => {
    assert.equal(decoded(request("80220001 61ffffff")).software, "a");
  });

  test("reads from the middle of a buffer", () => {
    const wire = request("80220001 61000000");
    const buffer = concat(fromHex("ffffffff"), wire, fromHex("ffff"));
    assert.equal(decoded(buffer.subarray(4, 4 + wire.length)).software, "a");
  });
});

describe("Message", () => {
  test("of attributes that come twice the first counts", () => {
    const message = decoded(request("80220001 61000000 80220001 62000000"));
    assert.equal(message.software, "a");
  });

  test("every XOR-PEER-ADDRESS counts", () => {
    const bytes = new MessageBuilder(METHOD.createPermission, CLASS.request, transactionId)
      .add(ATTRIBUTE.xorPeerAddress, parseAddress("192.0.2.1:1"))
      .add(ATTRIBUTE.xorPeerAddress, parseAddress("[2001:db8::1]:2"))
      .build();
    const message = decoded(bytes);
    assert.deepEqual(message.xorPeerAddresses.map(formatAddress), ["192.0.2.1:1", "[2001:db8::1]:2"]);
    assert.deepEqual(message.xorPeerAddress, parseAddress("192.0.2.1:1"));
  });

  test("what is malformed is named once and reads as absent", () => {
    const message = decoded(request("00060001 ff000000 000d0002 00000000 00120004 00010001 80220001 61000000"));
    assert.deepEqual(message.malformed, [0x0006, 0x000d, 0x0012]);
    assert.equal(message.username, undefined);
    assert.equal(message.lifetime, undefined);
    assert.ok(message.has(ATTRIBUTE.username.type));
    assert.ok(!message.has(ATTRIBUTE.realm.type));
  });

  test("a malformed second attribute does not count, but for XOR-PEER-ADDRESS", () => {
    assert.deepEqual(decoded(request("80220001 61000000 80220001 ff000000")).malformed, []);
    assert.deepEqual(decoded(request("00120008 00012112 2112a442 00120000")).malformed, [0x0012]);
  });

  test("unknown attributes that must be understood are named once", () => {
    const message = decoded(request("00240004 6e0001ff 7ffe0000 00240000 80ff0000 c0570000"));
    assert.deepEqual(message.unknownRequired, [0x0024, 0x7ffe]);
  });

  test("RFC 8489 §14.5: behind MESSAGE-INTEGRITY only SHA256 and FINGERPRINT count", () => {
    const integrity = `00080014 ${"00".repeat(20)}`;
    const sha256 = `001c0010 ${"00".repeat(16)}`;
    const message = decoded(request(`80220001 61000000 ${integrity} 00060001 61000000 00240000 ${sha256} 80280004 00000000`));
    assert.equal(message.software, "a");
    assert.equal(message.username, undefined);
    assert.deepEqual(message.unknownRequired, []);
    assert.equal(message.messageIntegritySha256?.length, 16);
    assert.equal(message.fingerprint, 0);
  });

  test("RFC 8489 §14.6: behind MESSAGE-INTEGRITY-SHA256 only FINGERPRINT counts", () => {
    const sha256 = `001c0010 ${"00".repeat(16)}`;
    const integrity = `00080014 ${"00".repeat(20)}`;
    const message = decoded(request(`${sha256} ${integrity} 80220001 61000000 80280004 00000007`));
    assert.equal(message.messageIntegrity, undefined);
    assert.equal(message.software, undefined);
    assert.equal(message.fingerprint, 7);
  });

  test("nothing counts behind FINGERPRINT", () => {
    const message = decoded(request(`80280004 00000007 80220001 61000000 00080014 ${"00".repeat(20)}`));
    assert.equal(message.software, undefined);
    assert.equal(message.messageIntegrity, undefined);
  });
});

describe("the message type", () => {
  test("every method and class comes back", () => {
    for (let method = 0; method < 0x1000; method++) {
      for (const messageClass of Object.values(CLASS)) {
        const type = messageType(method, messageClass);
        assert.ok(type < 0x4000);
        assert.equal(methodOf(type), method);
        assert.equal(classOf(type), messageClass);
      }
    }
  });

  test("RFC 8489 §5: known types", () => {
    assert.equal(messageType(METHOD.binding, CLASS.success), 0x0101);
    assert.equal(messageType(METHOD.allocate, CLASS.error), 0x0113);
    assert.equal(messageType(METHOD.send, CLASS.indication), 0x0016);
    assert.equal(messageType(METHOD.data, CLASS.indication), 0x0017);
    assert.equal(messageType(METHOD.connectionAttempt, CLASS.indication), 0x001c);
  });
});

describe("MessageBuilder", () => {
  test("writes header, values and padding", () => {
    const bytes = new MessageBuilder(METHOD.binding, CLASS.request, transactionId).add(ATTRIBUTE.software, "a").build();
    assert.equal(toHex(bytes), toHex(request("80220001 61000000")));
  });

  test("grows as far as a message can, and no further", () => {
    const full = new MessageBuilder(METHOD.send, CLASS.indication, transactionId).add(ATTRIBUTE.data, new Uint8Array(65_528));
    assert.equal(decoded(full.build()).data?.length, 65_528);
    assert.throws(() => full.sign(key), RangeError);
  });

  test("signs in order, and what it signed is whole", () => {
    const bytes = new MessageBuilder(METHOD.refresh, CLASS.request, transactionId)
      .add(ATTRIBUTE.lifetime, 0)
      .sign(key)
      .signSha256(key)
      .fingerprint()
      .build();
    const message = decoded(bytes);
    assert.equal(message.offsets.length, 4);
    assert.equal(message.messageIntegritySha256?.length, 32);
  });
});
