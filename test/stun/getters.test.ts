import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, fromHex, writeUint16 } from "../../src/lib/bytes.ts";
import { ATTRIBUTE, type Attribute } from "../../src/stun/attributes.ts";
import { writeBodyLength } from "../../src/stun/header.ts";
import { Message } from "../../src/stun/message.ts";

const address = "0001 8055 c0000201";
const text = "61626364";
const word = "00000258";

/** A value for every attribute that is not octets of any length, where zeros would not do. */
const values: Readonly<Partial<Record<string, string>>> = {
  mappedAddress: address,
  xorMappedAddress: address,
  xorPeerAddress: address,
  xorRelayedAddress: address,
  alternateServer: address,
  responseOrigin: address,
  otherAddress: address,
  errorCode: "00000401",
  addressErrorCode: "02000428",
  requestedAddressFamily: "01000000",
  additionalAddressFamily: "02000000",
  messageIntegrity: "00".repeat(20),
  messageIntegritySha256: "00".repeat(32),
  userhash: "00".repeat(32),
  reservationToken: "00".repeat(8),
  icmp: "0000 0604 000005dc",
  evenPort: "80",
  dontFragment: "",
  unknownAttributes: "00240025",
  passwordAlgorithm: "00020000",
  passwordAlgorithms: "0002000000010000",
  username: text,
};

function messageWith(type: number, value: Uint8Array): Message {
  const attribute = new Uint8Array(4 + ((value.length + 3) & ~3));
  writeUint16(attribute, 0, type);
  writeUint16(attribute, 2, value.length);
  attribute.set(value, 4);
  const bytes = concat(fromHex("00030000 2112a442 b7e7a701 bc34d686 fa87dfae"), attribute);
  writeBodyLength(bytes, attribute.length);
  const message = Message.decode(bytes);
  assert.ok(message);
  return message;
}

describe("each attribute has a getter of its name", () => {
  for (const [name, attribute] of Object.entries<Attribute<unknown>>(ATTRIBUTE)) {
    test(`${attribute.name}, ${attribute.section}`, () => {
      const message = messageWith(attribute.type, fromHex(values[name] ?? word));
      const value: unknown = Reflect.get(message, name);
      assert.notEqual(value, undefined);
      assert.deepEqual(value, message.first(attribute));
      assert.equal(Reflect.get(messageWith(0x7fff, fromHex("")), name), undefined);
    });
  }
});
