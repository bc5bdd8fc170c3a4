import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toHex } from "../../src/lib/bytes.ts";
import { mix, MULTIPLIERS, multipliers, TextHash } from "../../src/lib/keyed-hash.ts";

const key = (i: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, at) => i + at);

describe("keyed hashes", () => {
  test("multipliers depend on the key and on the use, and on nothing else", () => {
    assert.equal(multipliers(key(0), "a").length, MULTIPLIERS);
    assert.deepEqual(multipliers(key(0), "a"), multipliers(key(0), "a"));
    assert.notDeepEqual(multipliers(key(0), "a"), multipliers(key(1), "a"));
    assert.notDeepEqual(multipliers(key(0), "a"), multipliers(key(0), "b"));
  });

  test("a text hashes to 64 bits that depend on the key and on the use", () => {
    const hash = (of: number, use: string, text = "text"): unknown => TextHash.derive(key(of), use).of(text);
    assert.deepEqual(hash(0, "a"), hash(0, "a"));
    assert.notDeepEqual(hash(0, "a"), hash(1, "a"));
    assert.notDeepEqual(hash(0, "a"), hash(0, "b"));
    for (const other of ["texu", "tex", "text\0", "ext", "texŴ"]) assert.notDeepEqual(hash(0, "a"), hash(0, "a", other), other);
  });

  /** The published vectors of HalfSipHash-2-4 with 64 bits, those of whole code units: octets 0, 1, 2, … under the key 0 … 7. */
  test("and is HalfSipHash of its code units", () => {
    const hash = new TextHash(Uint8Array.from({ length: 8 }, (_, i) => i));
    const vectors = ["218d1f59b9b83cc8", "064f39ef7c50eb57", "d5e78a175be52ea1", "ce3e91358aa2bc25", "edfee820bce4858c"];
    for (const [units, expected] of vectors.entries()) {
      const text = String.fromCharCode(...Array.from({ length: units }, (_, i) => (2 * i) | ((2 * i + 1) << 8)));
      const octets = new Uint8Array(8);
      for (const [i, word] of hash.of(text).entries()) new DataView(octets.buffer).setInt32(4 * i, word, true);
      assert.equal(toHex(octets), expected);
    }
  });

  test("mixing maps different numbers to different ones, in all their bits", () => {
    const mixed = Array.from({ length: 65_536 }, (_, i) => mix(i << 16));
    assert.equal(new Set(mixed).size, mixed.length);
    const low = new Set(mixed.map((hash) => hash & 0xffff));
    assert.ok(low.size > 40_000, "by chance some 41,400 of 65,536 places are hit");
  });

  /** Goal: nobody without the key can aim. Method: pairs chosen to cancel, under many keys: they meet no oftener than chance has it. */
  test("pieces that are chosen to cancel do not", () => {
    const pairs = [
      [0x8000, 0x8000, 0, 0],
      [1, 0, 0, 1],
      [0xffff, 0, 0, 0xffff],
      [0x8000, 0, 0, 0x8000],
    ];
    let met = 0;
    for (let i = 0; i < 2000; i++) {
      const [m0 = 0, m1 = 0] = multipliers(
        key(i % 200).map((octet) => octet ^ (i >> 3)),
        `${i}`,
      );
      for (const [a = 0, b = 0, c = 0, d = 0] of pairs) {
        const one = mix((Math.imul(m0, a) + Math.imul(m1, b)) | 0);
        const other = mix((Math.imul(m0, c) + Math.imul(m1, d)) | 0);
        if ((one & 0xffff) === (other & 0xffff)) met++;
      }
    }
    assert.ok(met <= 4, `${met} of 8,000 pairs met in 16 bits`);
  });
});
