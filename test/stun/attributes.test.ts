import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex, toHex } from "../../src/lib/bytes.ts";
import { parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE, ATTRIBUTE_BY_TYPE, type Attribute } from "../../src/stun/attributes.ts";

const transactionId = fromHex("b7e7a701 bc34d686 fa87dfae"); // every RFC 5769 sample uses it

interface Layout<T> {
  readonly attribute: Attribute<T>;
  /** Octets and what they mean, in both directions. */
  readonly vectors: readonly { readonly wire: string; readonly value: T }[];
  /** Octets that decode, but that we would write in another way. */
  readonly lenient?: readonly { readonly wire: string; readonly value: T }[];
  readonly malformed: readonly string[];
  /** Values that have no octets. */
  readonly unwritable?: readonly T[];
}

const zeros = (count: number): string => "00".repeat(count);
const letters = (count: number): string => "61".repeat(count);
const layout = <T>(given: Layout<T>): Layout<unknown> => given;

const layouts: readonly Layout<unknown>[] = [
  layout({
    attribute: ATTRIBUTE.mappedAddress,
    vectors: [
      { wire: "00018055 c0000201", value: parseAddress("192.0.2.1:32853") },
      { wire: "00020050 20010db8000000000000000000000001", value: parseAddress("[2001:db8::1]:80") },
    ],
    lenient: [{ wire: "ff018055 c0000201", value: parseAddress("192.0.2.1:32853") }],
    malformed: ["", "0001", "00018055 c00002", "00018055 c000020100", "00038055 c0000201", "00028055 c0000201"],
  }),
  layout({
    attribute: ATTRIBUTE.xorMappedAddress,
    vectors: [
      { wire: "0001a147 e112a643", value: parseAddress("192.0.2.1:32853") },
      {
        wire: "0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9",
        value: parseAddress("[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
      },
      { wire: "00012112 2112a442", value: parseAddress("0.0.0.0:0") },
    ],
    malformed: ["", "0003a147 e112a643", "0001a147 e112a6", "0002a147 e112a643", "0001a147 0113a9faa5d3f179bc25f4b5bed2b9d9"],
  }),
  layout({
    attribute: ATTRIBUTE.username,
    vectors: [
      { wire: "", value: "" },
      { wire: "65767475 72", value: "evtur" },
      { wire: "e3839e", value: "マ" },
      { wire: "efbbbf61", value: "\ufeffa" },
      { wire: letters(508), value: "a".repeat(508) },
    ],
    lenient: [{ wire: letters(763), value: "a".repeat(763) }],
    malformed: [letters(764), "ff", "c0af", "eda080", "e383", "f8888080"],
    unwritable: ["a".repeat(509)],
  }),
  layout({
    attribute: ATTRIBUTE.realm,
    vectors: [{ wire: letters(509), value: "a".repeat(509) }],
    lenient: [{ wire: letters(763), value: "a".repeat(763) }],
    malformed: [letters(764), "80"],
    unwritable: ["a".repeat(510)],
  }),
  layout({
    attribute: ATTRIBUTE.nonce,
    vectors: [{ wire: "00ff80", value: fromHex("00ff80") }],
    malformed: [zeros(764)],
    unwritable: [new Uint8Array(764)],
  }),
  layout({
    attribute: ATTRIBUTE.errorCode,
    vectors: [
      { wire: "00000401 556e61757468656e74696361746564", value: { code: 401, reason: "Unauthenticated" } },
      { wire: "00000300", value: { code: 300, reason: "" } },
      { wire: "00000663", value: { code: 699, reason: "" } },
    ],
    lenient: [{ wire: "fffffc14", value: { code: 420, reason: "" } }],
    malformed: ["", "000004", "00000201", "00000701", "00000464", "00000401ff", `00000401${letters(764)}`],
    unwritable: [
      { code: 200, reason: "" },
      { code: 700, reason: "" },
      { code: 400.5, reason: "" },
    ],
  }),
  layout({
    attribute: ATTRIBUTE.unknownAttributes,
    vectors: [
      { wire: "", value: [] },
      { wire: "0024 7fff", value: [0x24, 0x7fff] },
    ],
    malformed: ["00", "002400"],
  }),
  layout({
    attribute: ATTRIBUTE.channelNumber,
    vectors: [{ wire: "40000000", value: 0x4000 }],
    lenient: [{ wire: "4fffffff", value: 0x4fff }],
    malformed: ["", "4000", "4000000000"],
  }),
  layout({
    attribute: ATTRIBUTE.lifetime,
    vectors: [
      { wire: "00000258", value: 600 },
      { wire: "ffffffff", value: 0xffffffff },
    ],
    malformed: ["", "0258", "0000025800"],
  }),
  layout({
    attribute: ATTRIBUTE.requestedTransport,
    vectors: [{ wire: "11000000", value: 17 }],
    lenient: [{ wire: "06ffffff", value: 6 }],
    malformed: ["", "11", "1100000000"],
  }),
  layout({
    attribute: ATTRIBUTE.requestedAddressFamily,
    vectors: [
      { wire: "01000000", value: 4 },
      { wire: "02000000", value: 6 },
      { wire: "00000000", value: "unknown" },
    ],
    lenient: [{ wire: "03000000", value: "unknown" }],
    malformed: ["", "01", "0100000000"],
  }),
  layout({
    attribute: ATTRIBUTE.evenPort,
    vectors: [
      { wire: "80", value: { reserveNext: true } },
      { wire: "00", value: { reserveNext: false } },
    ],
    lenient: [{ wire: "7f", value: { reserveNext: false } }],
    malformed: ["", "8000"],
  }),
  layout({ attribute: ATTRIBUTE.dontFragment, vectors: [{ wire: "", value: true }], malformed: ["00"] }),
  layout({
    attribute: ATTRIBUTE.changeRequest,
    vectors: [
      { wire: "00000006", value: { ip: true, port: true } },
      { wire: "00000004", value: { ip: true, port: false } },
      { wire: "00000000", value: { ip: false, port: false } },
    ],
    malformed: ["", "06"],
  }),
  layout({
    attribute: ATTRIBUTE.messageIntegritySha256,
    vectors: [
      { wire: zeros(16), value: new Uint8Array(16) },
      { wire: zeros(32), value: new Uint8Array(32) },
    ],
    malformed: ["", zeros(12), zeros(18), zeros(36)],
    unwritable: [new Uint8Array(17)],
  }),
  layout({ attribute: ATTRIBUTE.messageIntegrity, vectors: [], malformed: ["", zeros(19), zeros(21)] }),
  layout({ attribute: ATTRIBUTE.userhash, vectors: [], malformed: ["", zeros(31), zeros(33)] }),
  layout({ attribute: ATTRIBUTE.reservationToken, vectors: [], malformed: ["", zeros(7), zeros(9)] }),
  layout({
    attribute: ATTRIBUTE.addressErrorCode,
    vectors: [{ wire: "02000428 6e6f", value: { family: 6, code: 440, reason: "no" } }],
    malformed: ["", "03000428", "02000728", "02000428ff"],
  }),
  layout({
    attribute: ATTRIBUTE.icmp,
    vectors: [
      { wire: "0000 0604 000005dc", value: { type: 3, code: 4, data: 1500 } },
      { wire: "0000 ffff ffffffff", value: { type: 127, code: 511, data: 0xffffffff } },
    ],
    malformed: ["", "00000604", "00000604000005dc00"],
    unwritable: [
      { type: 128, code: 0, data: 0 },
      { type: 3, code: 512, data: 0 },
    ],
  }),
  layout({
    attribute: ATTRIBUTE.passwordAlgorithm,
    vectors: [
      { wire: "00020000", value: { algorithm: 2, parameters: fromHex("") } },
      { wire: "00070003 61626300", value: { algorithm: 7, parameters: fromHex("616263") } },
    ],
    lenient: [{ wire: "00070003 616263", value: { algorithm: 7, parameters: fromHex("616263") } }],
    malformed: ["", "0002", "00020001", "00020000 00010000"],
  }),
  layout({
    attribute: ATTRIBUTE.passwordAlgorithms,
    vectors: [
      { wire: "", value: [] },
      {
        wire: "00020000 00070001 61000000 00010000",
        value: [
          { algorithm: 2, parameters: fromHex("") },
          { algorithm: 7, parameters: fromHex("61") },
          { algorithm: 1, parameters: fromHex("") },
        ],
      },
    ],
    malformed: ["000200", "00020000 0001", "0002ffff"],
  }),
];

describe("attributes", () => {
  for (const { attribute, vectors, lenient = [], malformed, unwritable = [] } of layouts) {
    const { name, codec } = attribute;
    for (const { wire, value } of vectors) {
      test(`${name} reads and writes ${wire.slice(0, 40) || "nothing"}`, () => {
        assert.deepEqual(codec.decode(fromHex(wire), transactionId), value);
        assert.equal(toHex(codec.encode(value, transactionId)), wire.replaceAll(" ", ""));
      });
    }
    for (const { wire, value } of lenient) {
      test(`${name} reads ${wire.slice(0, 40)}`, () => assert.deepEqual(codec.decode(fromHex(wire), transactionId), value));
    }
    for (const wire of malformed) {
      test(`${name} refuses ${wire.slice(0, 40) || "nothing"}, ${fromHex(wire).length} octets`, () => {
        assert.equal(codec.decode(fromHex(wire), transactionId), undefined);
      });
    }
    for (const value of unwritable) {
      test(`${name} does not write ${JSON.stringify(value).slice(0, 40)}`, () => {
        assert.throws(() => codec.encode(value, transactionId), RangeError);
      });
    }
  }

  test("every attribute is found by its number, and each number is one attribute", () => {
    const all = Object.values<Attribute<unknown>>(ATTRIBUTE);
    assert.equal(ATTRIBUTE_BY_TYPE.size, all.length);
    for (const attribute of all) {
      assert.equal(ATTRIBUTE_BY_TYPE.get(attribute.type), attribute);
      assert.match(attribute.section, /^RFC \d{4} §[0-9.]+$/);
    }
  });
});
