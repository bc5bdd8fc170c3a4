import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readProxyHeader, writeProxyHeader } from "../../src/edge/proxy-header.ts";
import { concat, fromHex } from "../../src/lib/bytes.ts";
import { formatAddress, parseAddress } from "../../src/net/address.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const SIGNATURE = "0d0a0d0a000d0a515549540a";

const headers = [
  {
    name: "version 1, IPv4",
    wire: ascii("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"),
    ends: ["192.0.2.1:56324", "198.51.100.7:443"],
  },
  {
    name: "version 1, IPv6",
    wire: ascii("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"),
    ends: ["[2001:db8::1]:1", "[2001:db8::2]:65535"],
  },
  {
    name: "version 1, IPv4 written as IPv6",
    wire: ascii("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n"),
    ends: ["192.0.2.1:1", "192.0.2.2:2"],
  },
  { name: "version 1, unknown", wire: ascii("PROXY UNKNOWN\r\n"), ends: undefined },
  { name: "version 1, unknown with addresses", wire: ascii("PROXY UNKNOWN ff:: ff:: 1 2\r\n"), ends: undefined },
  {
    name: "version 2, IPv4",
    wire: fromHex(`${SIGNATURE} 21 11 000c c0000201 c6336407 dc04 01bb`),
    ends: ["192.0.2.1:56324", "198.51.100.7:443"],
  },
  {
    name: "version 2, IPv4 with additions behind the addresses",
    wire: fromHex(`${SIGNATURE} 21 11 0010 c0000201 c6336407 dc04 01bb 04000100`),
    ends: ["192.0.2.1:56324", "198.51.100.7:443"],
  },
  {
    name: "version 2, IPv6",
    wire: fromHex(`${SIGNATURE} 21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 0001 ffff`),
    ends: ["[2001:db8::1]:1", "[2001:db8::2]:65535"],
  },
  { name: "version 2, the balancer's own connection", wire: fromHex(`${SIGNATURE} 20 00 0000`), ends: undefined },
  { name: "version 2, a unix socket", wire: fromHex(`${SIGNATURE} 21 31 0002 0000`), ends: undefined },
];

const strangers = [
  { name: "a request", wire: ascii("GET / HTTP/1.1\r\n") },
  { name: "a ClientHello", wire: fromHex("160301") },
  { name: "a line without end", wire: ascii(`PROXY TCP4 ${"1".repeat(100)}`) },
  { name: "a line that ends without a return", wire: ascii("PROXY UNKNOWN\n") },
  { name: "an address of the other family", wire: ascii("PROXY TCP4 2001:db8::1 192.0.2.1 1 2\r\n") },
  { name: "a port of 65536", wire: ascii("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n") },
  { name: "a port too many", wire: ascii("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n") },
  { name: "UDP in version 1", wire: ascii("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n") },
  { name: "version 3", wire: fromHex(`${SIGNATURE} 31 11 000c`) },
  { name: "version 2 shorter than its addresses", wire: fromHex(`${SIGNATURE} 21 11 000b`) },
  { name: "version 2 of 64 KiB", wire: fromHex(`${SIGNATURE} 21 11 ffff`) },
];

describe("readProxyHeader", () => {
  for (const { name, wire, ends } of headers) {
    test(`reads ${name}, and needs every octet of it`, () => {
      const header = readProxyHeader(concat(wire, fromHex("1603010200")));
      assert.ok(typeof header === "object");
      assert.equal(header.length, wire.length);
      const shown = header.ends && [formatAddress(header.ends.client), formatAddress(header.ends.server)];
      assert.deepEqual(shown, ends);
      for (let length = 0; length < wire.length; length++) {
        assert.equal(readProxyHeader(wire.subarray(0, length)), "not yet", `${length} octets`);
      }
    });
  }

  for (const { name, wire } of strangers) {
    test(`refuses ${name}`, () => assert.equal(readProxyHeader(wire), "not a header"));
  }

  test("any octets get an answer", () => {
    const starts = fc.constantFrom(fromHex(""), ascii("PROXY "), fromHex(SIGNATURE), fromHex(`${SIGNATURE}2111`));
    fc.assert(fc.property(starts, fc.uint8Array({ maxLength: 200 }), (start, rest) => void readProxyHeader(concat(start, rest))));
  });
});

describe("writeProxyHeader", () => {
  for (const [client, server] of [
    ["192.0.2.1:56324", "198.51.100.7:443"],
    ["[2001:db8::1]:1", "[2001:db8::2]:65535"],
  ] as const) {
    test(`what it writes of ${client} is read again`, () => {
      const ends = { client: parseAddress(client), server: parseAddress(server) };
      const wire = writeProxyHeader(ends.client, ends.server);
      assert.deepEqual(readProxyHeader(wire), { length: wire.length, ends });
    });
  }

  test("ends of two families are not told", () => {
    const wire = writeProxyHeader(parseAddress("192.0.2.1:1"), parseAddress("[2001:db8::1]:1"));
    assert.deepEqual(readProxyHeader(wire), { length: wire.length, ends: undefined });
  });
});
