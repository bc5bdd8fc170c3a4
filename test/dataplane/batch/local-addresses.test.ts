import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalAddresses } from "../../../src/dataplane/batch/local-addresses.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { formatIp } from "../../../src/net/ip.ts";
import { SocketAddress } from "../../../src/net/socket-address.ts";

const address = (text: string): SocketAddress => new SocketAddress().assign(parseAddress(text));

test("an address has one number whatever its port, others have others", () => {
  const locals = new LocalAddresses();
  const texts = ["127.0.0.1:1", "127.0.0.2:1", "[::1]:1", "[2001:db8::1]:1", "[2001:db8::1:0]:1", "0.0.0.1:1"];
  const numbers = texts.map((text) => locals.numberOf(address(text)));
  assert.equal(new Set(numbers).size, texts.length);
  assert.ok(!numbers.includes(0));
  for (const [i, text] of texts.entries()) {
    assert.equal(locals.numberOf(address(text.replace(/1$/, "2"))), numbers[i]);
    const ip = locals.ipOf(numbers[i] ?? 0);
    assert.equal(ip && formatIp(ip), formatIp(parseAddress(text).ip));
    assert.equal(locals.at(numbers[i] ?? 0)?.word0, address(text).word0);
  }
});

test("link-local addresses of two interfaces are two", () => {
  const locals = new LocalAddresses();
  const [one, two] = [address("[fe80::1]:1"), address("[fe80::1]:1")];
  [one.scope, two.scope] = [1, 2];
  assert.notEqual(locals.numberOf(one), locals.numberOf(two));
});

test("0 stands for none, and for what is too many", () => {
  const locals = new LocalAddresses();
  assert.equal(locals.at(0), undefined);
  assert.equal(locals.ipOf(0), undefined);
  const many = Array.from({ length: 2000 }, (_, i) => locals.numberOf(address(`10.0.${i >> 8}.${i & 255}:1`)));
  assert.equal(new Set(many.slice(0, 1024)).size, 1024);
  assert.ok(many.slice(1024).every((number) => number === 0));
  assert.equal(locals.numberOf(address("10.0.0.7:9")), many[7]);
});
