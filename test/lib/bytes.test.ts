import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  concat,
  copyOf,
  equalBytes,
  fromHex,
  octetKey,
  readInt32,
  readUint16,
  readUint32,
  toHex,
  writeUint16,
  writeUint32,
} from "../../src/lib/bytes.ts";

describe("octets", () => {
  test("numbers are big-endian", () => {
    const bytes = fromHex("00 fffefdfc 01");
    assert.equal(readUint16(bytes, 1), 0xfffe);
    assert.equal(readUint32(bytes, 1), 0xfffefdfc);
    assert.equal(readInt32(bytes, 1), 0xfffefdfc - 2 ** 32);
  });

  test("octets past the end read as 0, and are not written", () => {
    const bytes = Uint8Array.of(0xab);
    assert.equal(readUint16(bytes, 0), 0xab00);
    assert.equal(readUint32(bytes, 1), 0);
    writeUint32(bytes, 0, 0x01020304);
    assert.deepEqual(bytes, Uint8Array.of(1));
  });

  test("what is written is read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.nat({ max: 8 }), (value, offset) => {
        const bytes = new Uint8Array(12);
        writeUint32(bytes, offset, value);
        assert.equal(readUint32(bytes, offset), value);
        assert.equal(readInt32(bytes, offset), value | 0);
        writeUint16(bytes, offset, value);
        assert.equal(readUint16(bytes, offset), value & 0xffff);
      }),
    );
  });

  test("hexadecimal there and back", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(fromHex(toHex(bytes)), bytes)));
    assert.deepEqual(fromHex(" aA\n0 1 "), Uint8Array.of(0xaa, 1));
    assert.deepEqual(fromHex(""), new Uint8Array(0));
  });

  for (const text of ["a", "0x10", "gg", "aa-bb"]) {
    test(`"${text}" is not hexadecimal`, () => assert.throws(() => fromHex(text), SyntaxError));
  }

  test("concat joins, and owns what it returns", () => {
    const piece = Uint8Array.of(1, 2);
    const whole = concat(piece, new Uint8Array(0), Uint8Array.of(3));
    piece[0] = 9;
    assert.deepEqual(whole, Uint8Array.of(1, 2, 3));
    assert.deepEqual(concat(), new Uint8Array(0));
  });

  test("equalBytes compares all octets, and lengths", () => {
    const same = Uint8Array.of(1, 2, 3);
    assert.ok(equalBytes(same, same.slice()));
    for (const other of [[0, 2, 3], [1, 2, 2], [1, 2], [1, 2, 3, 0], []]) assert.ok(!equalBytes(same, Uint8Array.from(other)));
  });
});

describe("copies and keys of octets", () => {
  for (const length of [0, 1, 20, 256, 257, 1000]) {
    test(`a copy of ${length} octets is that, and another's memory`, () => {
      const whole = Buffer.from(Uint8Array.from({ length: length + 7 }, (_, i) => i));
      const copy = copyOf(whole, 3, 3 + length);
      assert.deepEqual([...copy], [...whole.subarray(3, 3 + length)]);
      assert.deepEqual(copyOf(whole, 3), new Uint8Array(whole.subarray(3)));
      assert.notEqual(copy.buffer, whole.buffer);
    });
  }

  test("keys are equal exactly for equal octets, whatever their number", () => {
    const seen = new Map<string, string>();
    for (let length = 0; length <= 40; length++) {
      for (let changed = 0; changed < length; changed++) {
        const octets = new Uint8Array(length);
        octets[changed] = 255;
        const text = octets.join();
        assert.equal(seen.get(octetKey(octets)), undefined, text);
        seen.set(octetKey(octets), text);
        assert.equal(octetKey(octets), octetKey(Uint8Array.from(octets)));
      }
    }
  });
});
