import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  CONTROL_BYTES,
  equalNames,
  readLocalAddress,
  readName,
  writeLengths,
  writeLocalAddress,
  writeName,
  writeSegmentSize,
} from "../../../src/dataplane/batch/messages.ts";
import { formatAddress, parseAddress } from "../../../src/net/address.ts";
import { SocketAddress } from "../../../src/net/socket-address.ts";
import { fromHex, toHex } from "../../../src/lib/bytes.ts";

const address = (text: string): SocketAddress => new SocketAddress().assign(parseAddress(text));
const CONTROL = 64;

const names = [
  { name: "IPv4", family: 4, address: "192.0.2.1:3478", wire: "0200 0d96 c0000201 0000000000000000" },
  {
    name: "IPv6",
    family: 6,
    address: "[2001:db8::7]:3478",
    wire: "0a00 0d96 00000000 20010db8000000000000000000000007 00000000",
  },
  {
    name: "IPv4 on an IPv6 socket",
    family: 6,
    address: "192.0.2.1:3478",
    wire: "0a00 0d96 00000000 00000000000000000000ffffc0000201 00000000",
  },
] as const;

describe("sockaddr", () => {
  for (const { name, family, address: text, wire } of names) {
    test(`${name}, there and back`, () => {
      const view = new DataView(new ArrayBuffer(64));
      const length = writeName(view, 8, family, address(text));
      assert.equal(toHex(new Uint8Array(view.buffer, 8, length)), wire.replaceAll(" ", ""));
      const read = address("[1:2:3:4:5:6:7:8]:9");
      readName(view, 8, read);
      assert.equal(formatAddress(read.toAddress()), text);
      assert.ok(read.equals(address(text)));
    });
  }

  test("IPv4 sockets reach no IPv6", () => {
    assert.equal(writeName(new DataView(new ArrayBuffer(64)), 0, 4, address("[::1]:1")), 0);
  });

  test("the scope of a link-local address is kept, and tells two apart", () => {
    const view = new DataView(new ArrayBuffer(128));
    const [first, second] = [address("[fe80::1]:1"), address("[fe80::1]:1")];
    [first.scope, second.scope] = [2, 3];
    writeName(view, 0, 6, first);
    writeName(view, 32, 6, second);
    writeName(view, 64, 6, first);
    assert.equal(equalNames(view, 0, 32, 6), false);
    assert.equal(equalNames(view, 0, 64, 6), true);
    const read = new SocketAddress();
    readName(view, 32, read);
    assert.equal(read.scope, 3);
  });
});

describe("control messages", () => {
  const cases = [
    {
      name: "IP_PKTINFO",
      family: 4,
      local: "127.0.0.2:0",
      wire: "1c00000000000000 00000000 08000000 00000000 7f000002 00000000",
    },
    {
      name: "IPV6_PKTINFO with mapped IPv4",
      family: 6,
      local: "127.0.0.2:0",
      wire: "2400000000000000 29000000 32000000 00000000000000000000ffff7f000002 00000000",
    },
  ] as const;
  for (const { name, family, local, wire } of cases) {
    test(`${name} and a segment size`, () => {
      const view = new DataView(new ArrayBuffer(CONTROL + CONTROL_BYTES));
      const end = writeLocalAddress(view, CONTROL, family, address(local));
      const written = fromHex(wire);
      assert.equal(toHex(new Uint8Array(view.buffer, CONTROL, written.length)), toHex(written));
      assert.equal(end, CONTROL + Math.ceil(written.length / 8) * 8);
      assert.equal(writeSegmentSize(view, end, 1200), end + 24);
      assert.equal(toHex(new Uint8Array(view.buffer, end, 20)), "12000000000000001100000067000000b0040000");
    });
  }

  test("the local address is found behind others, and not beyond the end", () => {
    const view = new DataView(new ArrayBuffer(CONTROL + CONTROL_BYTES));
    const between = writeSegmentSize(view, CONTROL, 100);
    writeLocalAddress(view, between, 6, address("[2001:db8::1]:0"));
    const read = new SocketAddress();
    for (const [bytes, found] of [
      [CONTROL_BYTES, true],
      [24, false],
      [0, false],
    ] as const) {
      writeLengths(view, 0, 0, bytes);
      assert.equal(readLocalAddress(view, 0, CONTROL, read), found);
    }
    assert.equal(formatAddress(read.toAddress()), "[2001:db8::1]:0");
  });
});
