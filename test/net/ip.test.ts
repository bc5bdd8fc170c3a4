import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { fromHex, toHex } from "../../src/lib/bytes.ts";
import { equalIp, formatIp, ipFrom, isIp, parseIp, unmapped } from "../../src/net/ip.ts";

/** RFC 5952 §4: each text is read as these octets; the canonical one is what is written. */
const vectors = [
  { text: "0.0.0.0", octets: "00000000" },
  { text: "192.0.2.255", octets: "c00002ff" },
  { text: "::", octets: "00000000000000000000000000000000" },
  { text: "::1", octets: "00000000000000000000000000000001" },
  { text: "1::", octets: "00010000000000000000000000000000" },
  { text: "2001:db8::1", octets: "20010db8000000000000000000000001" },
  { text: "2001:db8:0:1:1:1:1:1", octets: "20010db8000000010001000100010001" },
  { text: "2001:0:0:1::1", octets: "20010000000000010000000000000001" },
  { text: "2001:db8::1:0:0:1", octets: "20010db8000000000001000000000001" },
  { text: "fe80::abcd:0:0:ef", octets: "fe80000000000000abcd0000000000ef" },
  { text: "::ffff:192.0.2.1", octets: "00000000000000000000ffffc0000201" },
  { text: "::ffff:c000:201", octets: "00000000000000000000ffffc0000201", canonical: "::ffff:192.0.2.1" },
  { text: "64:ff9b::192.0.2.1", octets: "0064ff9b0000000000000000c0000201", canonical: "64:ff9b::c000:201" },
  { text: "2001:0DB8:0:0:0:0:0:0001", octets: "20010db8000000000000000000000001", canonical: "2001:db8::1" },
  { text: "1:2:3:4:5:6:7::", octets: "00010002000300040005000600070000", canonical: "1:2:3:4:5:6:7:0" },
  { text: "1:2:3:4:5:6:1.2.3.4", octets: "00010002000300040005000601020304", canonical: "1:2:3:4:5:6:102:304" },
];

const malformed = [
  "",
  " ",
  "1",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "01.2.3.4",
  "1.2.3.04",
  "1.2.3.-4",
  "1.2.3.4 ",
  "0x1.2.3.4",
  "1.2.3.4/8",
  ":",
  ":::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1::2::3",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "12345::",
  "g::",
  "::-1",
  "[::1]",
  "::1%eth0",
  "::1.2.3",
  "1.2.3.4::",
  "::1.2.3.4:5",
  "1:2:3:4:5:6:7:1.2.3.4",
  ":1::",
  "1::2:",
  "::01.2.3.4",
];

describe("IP addresses", () => {
  for (const { text, octets, canonical = text } of vectors) {
    test(`${text} is read, and written as ${canonical}`, () => {
      assert.equal(toHex(parseIp(text).octets), octets);
      assert.equal(formatIp(ipFrom(fromHex(octets))), canonical);
      assert.ok(isIp(text));
    });
  }

  for (const text of malformed) {
    test(`"${text}" is refused`, () => {
      assert.throws(() => parseIp(text), SyntaxError);
      assert.ok(!isIp(text));
    });
  }

  test("any address is read as it was written", () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      sparse(16),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(octets, (bytes) => {
        const text = formatIp(ipFrom(bytes));
        assert.deepEqual(parseIp(text), ipFrom(bytes));
        assert.equal(text, text.toLowerCase());
        assert.ok(text.split("::").length <= 2, text);
      }),
      { numRuns: 500 },
    );
  });

  test("any text is an address or a SyntaxError", () => {
    const pieces = fc.array(fc.constantFrom("0", "1", "ff", "255", ":", "::", ".", "1.2.3.4", "/", "%", "g"), { maxLength: 20 });
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join("");
        if (isIp(text)) assert.deepEqual(parseIp(formatIp(parseIp(text))), parseIp(text));
        else assert.throws(() => parseIp(text), SyntaxError);
      }),
      { numRuns: 1000 },
    );
  });

  test("other lengths are no address", () => {
    for (const length of [0, 3, 5, 15, 17]) assert.throws(() => ipFrom(new Uint8Array(length)), RangeError);
  });

  test("an IPv4-mapped address is another than the IPv4 address, until it is unmapped", () => {
    const [mapped, plain] = [parseIp("::ffff:192.0.2.1"), parseIp("192.0.2.1")];
    assert.ok(!equalIp(mapped, plain));
    assert.ok(equalIp(unmapped(mapped), plain));
    for (const text of ["192.0.2.1", "::192.0.2.1", "64:ff9b::c000:201", "::fffe:c000:201", "1::ffff:c000:201"]) {
      assert.equal(formatIp(unmapped(parseIp(text))), formatIp(parseIp(text)));
    }
  });
});

/** Mostly zeros, so that there is something to shorten. */
function sparse(length: number): fc.Arbitrary<Uint8Array> {
  const octet = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 255 }) });
  return fc.array(octet, { minLength: length, maxLength: length }).map((octets) => Uint8Array.from(octets));
}
