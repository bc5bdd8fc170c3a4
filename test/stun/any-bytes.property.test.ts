import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { concat, fromHex, writeUint16 } from "../../src/lib/bytes.ts";
import { CLASS, METHOD, writeBodyLength } from "../../src/stun/header.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";
import { KNOWN_ATTRIBUTES, readAll } from "../support/read-all.ts";
import { vector } from "../support/vectors.ts";

const samples = ["rfc5769-request", "rfc5769-response-ipv4", "rfc5769-response-ipv6", "rfc5769-long-term"].map(vector);

/** A message whose header and attributes are in order, and whose values are anything. */
const wellFramed = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom(...KNOWN_ATTRIBUTES.map(({ type }) => type)), fc.integer({ min: 0, max: 0xffff })),
      fc.uint8Array({ maxLength: 40 }),
    ),
    { maxLength: 12 },
  )
  .map((attributes) => {
    const pieces = attributes.map(([type, value]) => {
      const piece = new Uint8Array(4 + ((value.length + 3) & ~3));
      writeUint16(piece, 0, type);
      writeUint16(piece, 2, value.length);
      piece.set(value, 4);
      return piece;
    });
    const bytes = concat(fromHex("000300002112a442b7e7a701bc34d686fa87dfae"), ...pieces);
    writeBodyLength(bytes, bytes.length - 20);
    return bytes;
  });

const mutated = fc
  .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }), fc.nat())
  .map(([sample, changes, cut]) => {
    const bytes = sample.slice();
    for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
    return cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
  });

/** Goal: strangers cannot make us throw. Method: anything, samples with changed octets, and values of all kinds in good frames. */
describe("any bytes are answered", () => {
  test("random octets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readAll(bytes)),
      { numRuns: 500 },
    );
  });

  test("mutated samples", () => {
    fc.assert(
      fc.property(mutated, (bytes) => void readAll(bytes)),
      { numRuns: 500 },
    );
  });

  test("random values in order", () => {
    fc.assert(
      fc.property(wellFramed, (bytes) => {
        assert.ok(readAll(bytes));
      }),
      { numRuns: 500 },
    );
  });
});

/** Goal: what we read we can write, and it reads the same. Method: every attribute of random messages, once around. */
test("decode, encode, decode: the same value", () => {
  fc.assert(
    fc.property(wellFramed, (bytes) => {
      const message = Message.decode(bytes);
      assert.ok(message);
      for (const attribute of KNOWN_ATTRIBUTES) {
        const value: unknown = message.first(attribute);
        if (value === undefined) continue;
        const again = new MessageBuilder(METHOD.allocate, CLASS.request, message.transactionId).add(attribute, value).build();
        assert.deepEqual(Message.decode(again)?.first(attribute), value, attribute.name);
      }
    }),
    { numRuns: 500 },
  );
});
