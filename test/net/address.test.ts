import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  addressKey,
  equalAddress,
  type FiveTuple,
  fiveTupleKey,
  formatAddress,
  ipKey,
  parseAddress,
} from "../../src/net/address.ts";
import { ipFrom } from "../../src/net/ip.ts";

const octets = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
const address = fc.tuple(octets.map(ipFrom), fc.nat({ max: 65_535 })).map(([ip, port]) => ({ ip, port }));

describe("transport addresses", () => {
  for (const text of ["192.0.2.1:3478", "0.0.0.0:0", "[::]:65535", "[2001:db8::1]:443", "[::ffff:192.0.2.1]:80"]) {
    test(`${text} is read and written`, () => assert.equal(formatAddress(parseAddress(text)), text));
  }

  const malformed = [
    "",
    ":3478",
    "192.0.2.1",
    "192.0.2.1:",
    "192.0.2.1:65536",
    "192.0.2.1:-1",
    "192.0.2.1:1x",
    "localhost:80",
    "::1:80",
  ];
  for (const text of [...malformed, "[::1]", "[::1]80", "[192.0.2.1]:80", "[]:80", "[::1]:80:80", "[[::1]]:80", " [::1]:80"]) {
    test(`"${text}" is refused`, () => assert.throws(() => parseAddress(text), SyntaxError));
  }

  test("keys are equal exactly for equal addresses", () => {
    fc.assert(
      fc.property(address, address, (a, b) => {
        assert.equal(addressKey(a) === addressKey(b), equalAddress(a, b));
        assert.equal(addressKey(a), addressKey({ ...a }));
        assert.notEqual(addressKey(a), addressKey({ ...a, port: a.port ^ 1 }));
        assert.equal(ipKey(a.ip), ipKey(ipFrom(a.ip.octets.slice())));
      }),
    );
  });
});

describe("five-tuples", () => {
  const udp: FiveTuple = {
    transport: "udp",
    client: parseAddress("192.0.2.1:5000"),
    server: parseAddress("198.51.100.1:3478"),
    socket: 1,
    local: 2,
  };
  const others: readonly (readonly [string, FiveTuple])[] = [
    ["another client port", { ...udp, client: parseAddress("192.0.2.1:5001") }],
    ["another client address", { ...udp, client: parseAddress("192.0.2.2:5000") }],
    ["another port of ours", { ...udp, server: parseAddress("198.51.100.1:3479") }],
    ["another address of ours", { ...udp, local: 3 }],
    ["another listener", { ...udp, socket: 2 }],
    ["a stream", { ...udp, transport: "tcp" }],
  ];
  for (const [name, other] of others) {
    test(`${name} makes another five-tuple`, () => assert.notEqual(fiveTupleKey(other), fiveTupleKey(udp)));
  }

  test("a stream is its connection, whoever is at the other end", () => {
    const stream: FiveTuple = { ...udp, transport: "tls", local: 0 };
    assert.equal(fiveTupleKey(stream), fiveTupleKey({ ...stream, client: parseAddress("192.0.2.9:1") }));
    assert.notEqual(fiveTupleKey(stream), fiveTupleKey({ ...stream, socket: 65_537 }));
  });
});
