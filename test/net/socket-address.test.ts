import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { equalAddress, parseAddress } from "../../src/net/address.ts";
import { ipFrom, parseIp } from "../../src/net/ip.ts";
import { SocketAddress } from "../../src/net/socket-address.ts";

const octets = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
const address = fc.tuple(octets.map(ipFrom), fc.nat({ max: 65_535 })).map(([ip, port]) => ({ ip, port }));

describe("SocketAddress", () => {
  test("holds any transport address, and gives it back", () => {
    fc.assert(
      fc.property(address, address, (a, b) => {
        const cursor = new SocketAddress().assign(b).assign(a);
        assert.deepEqual(cursor.toAddress(), a);
        assert.equal(cursor.equals(new SocketAddress().assign(b)), equalAddress(a, b));
        const copy = new SocketAddress();
        copy.copy(cursor);
        assert.deepEqual(copy, cursor);
      }),
    );
  });

  test("words are signed and in network order, and unused ones 0", () => {
    const cursor = new SocketAddress()
      .assign({ ip: parseIp("2001:db8::ff"), port: 1 })
      .assign({ ip: parseIp("192.0.2.1"), port: 2 });
    assert.deepEqual(
      [cursor.family, cursor.port, cursor.word0, cursor.word1, cursor.word2, cursor.word3],
      [4, 2, 0xc0000201 | 0, 0, 0, 0],
    );
  });

  test("the scope is copied, and does not count", () => {
    const one = new SocketAddress().assign(parseAddress("[fe80::1]:5"));
    const other = new SocketAddress();
    other.copy(one);
    other.scope = 3;
    assert.ok(one.equals(other));
    one.copy(other);
    assert.equal(one.scope, 3);
    assert.equal(one.assign(parseAddress("[fe80::1]:5")).scope, 0);
  });
});
