import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Packet } from "../../src/dataplane/plane.ts";
import { fromHex } from "../../src/lib/bytes.ts";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { StunResponder } from "../../src/relay/stun-responder.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { Message } from "../../src/stun/message.ts";

const BINDING = "00010000 2112a442 b7e7a701bc34d686fa87dfae";

describe("StunResponder", () => {
  for (const [client, octets] of [
    ["192.0.2.1:32853", 32],
    ["[2001:db8:1234:5678:11:2233:4455:6677]:32853", 44],
  ] as const) {
    test(`answers ${client} in ${octets} octets with its own address`, () => {
      const responder = new StunResponder();
      assert.equal(responder.answer(packetOf(BINDING, client)), true);
      assert.equal(responder.length, octets);
      const answer = Message.decode(responder.bytes.subarray(0, responder.length));
      assert.ok(answer?.xorMappedAddress);
      assert.deepEqual(
        [answer.method, answer.class, formatAddress(answer.xorMappedAddress)],
        [METHOD.binding, CLASS.success, client],
      );
      assert.deepEqual(answer.transactionId, fromHex("b7e7a701bc34d686fa87dfae"));
    });
  }

  const others = [
    { name: "a request with attributes", wire: "00010008 2112a442 b7e7a701bc34d686fa87dfae 80220004 61626364" },
    { name: "an indication", wire: "00110000 2112a442 b7e7a701bc34d686fa87dfae" },
    { name: "an Allocate", wire: "00030000 2112a442 b7e7a701bc34d686fa87dfae" },
    { name: "a wrong cookie", wire: "00010000 2112a443 b7e7a701bc34d686fa87dfae" },
    { name: "a length that is not 0", wire: "00010004 2112a442 b7e7a701bc34d686fa87dfae" },
    { name: "nineteen octets", wire: "00010000 2112a442 b7e7a701bc34d686fa87df" },
  ];
  for (const { name, wire } of others) {
    test(`leaves ${name} to the engine`, () => assert.equal(new StunResponder().answer(packetOf(wire, "192.0.2.1:5")), false));
  }

  test("does not answer port 0", () => assert.equal(new StunResponder().answer(packetOf(BINDING, "192.0.2.1:0")), false));
});

/** In the middle of a larger memory, as on a plane. */
function packetOf(wire: string, from: string): Packet {
  const octets = fromHex(wire);
  const packet = new Packet();
  packet.bytes = new Uint8Array(100).fill(0xff);
  packet.bytes.set(octets, 8);
  packet.offset = 8;
  packet.length = octets.length;
  packet.from.assign(parseAddress(from));
  return packet;
}
