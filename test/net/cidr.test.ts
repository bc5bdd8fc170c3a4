import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { contains, formatCidr, parseCidr, PrefixSet } from "../../src/net/cidr.ts";
import { ipFrom, parseIp } from "../../src/net/ip.ts";

describe("CIDRs", () => {
  for (const text of ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "fc00::/7", "::/0", "2001:db8::1/128", "172.16.0.0/12"]) {
    test(`${text} is read and written`, () => assert.equal(formatCidr(parseCidr(text)), text));
  }

  test("an address alone is a range of one", () => {
    assert.equal(formatCidr(parseCidr("192.0.2.1")), "192.0.2.1/32");
    assert.equal(formatCidr(parseCidr("::1")), "::1/128");
  });

  const malformed = [
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0.0.0/8.0",
    "::/129",
    "10/8",
    "10.0.0.0/0x8",
  ];
  for (const text of [...malformed, "10.0.0.1/8", "fc00::1/7", "128.0.0.0/0"]) {
    test(`"${text}" is refused`, () => assert.throws(() => parseCidr(text), SyntaxError));
  }

  test("a range holds what begins with its bits", () => {
    const octets = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
    fc.assert(
      fc.property(octets, fc.nat({ max: 128 }), fc.nat({ max: 127 }), (address, length, flip) => {
        const width = 8 * address.length;
        const bits = length % (width + 1);
        const range = { ip: ipFrom(address), bits };
        assert.ok(contains(range, ipFrom(address)));
        const at = flip % width;
        const other = address.map((octet, i) => (i === at >> 3 ? octet ^ (0x80 >> (at & 7)) : octet));
        assert.equal(contains(range, ipFrom(other)), at >= bits);
      }),
    );
  });

  test("families never mix", () => {
    assert.ok(!contains(parseCidr("::/0"), parseIp("192.0.2.1")));
    assert.ok(!contains(parseCidr("0.0.0.0/0"), parseIp("::ffff:192.0.2.1")));
  });
});

describe("PrefixSet", () => {
  const rows = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "10.1.2.3/32", "fc00::/7"];
  const set = new PrefixSet(rows.map((text) => [parseCidr(text), text]));
  const matches = [
    { ip: "10.1.2.3", row: "10.1.2.3/32" },
    { ip: "10.1.2.4", row: "10.1.0.0/16" },
    { ip: "10.2.0.0", row: "10.0.0.0/8" },
    { ip: "11.0.0.0", row: "0.0.0.0/0" },
    { ip: "fd00::1", row: "fc00::/7" },
    { ip: "2001:db8::1", row: undefined },
  ];
  for (const { ip, row } of matches) test(`${ip} is in ${row}`, () => assert.equal(set.match(parseIp(ip)), row));

  test("of two equal ranges the first counts", () => {
    const twice = new PrefixSet([
      [parseCidr("10.0.0.0/8"), 1],
      [parseCidr("10.0.0.0/8"), 2],
    ]);
    assert.equal(twice.match(parseIp("10.0.0.1")), 1);
    assert.equal(twice.size, 2);
  });
});
