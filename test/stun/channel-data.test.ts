import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex, toHex } from "../../src/lib/bytes.ts";
import { channelDataLength, channelOf, isChannelNumber, writeChannelHeader } from "../../src/stun/channel-data.ts";
import { REASONS, reasonFor } from "../../src/stun/errors.ts";

describe("ChannelData", () => {
  const vectors = [
    { name: "no data", wire: "40000000", length: 0 },
    { name: "two octets", wire: "4fff0002 6869", length: 2 },
    { name: "padding, which UDP may have", wire: "40000001 61000000", length: 1 },
    { name: "a header cut short", wire: "400000", length: -1 },
    { name: "data cut short", wire: "40000003 6162", length: -1 },
    { name: "a number below the channels", wire: "3fff0000", length: -1 },
    { name: "a number above the channels", wire: "80000000", length: -1 },
  ];
  for (const { name, wire, length } of vectors) {
    test(`${name}: ${length}`, () => {
      const bytes = fromHex(`ffff${wire}ff`);
      assert.equal(channelDataLength(bytes, 2, bytes.length - 3), length);
    });
  }

  test("writes what it reads", () => {
    const bytes = fromHex("ff 00000000 ff");
    writeChannelHeader(bytes, 1, 0x4abc, 0x1234);
    assert.equal(toHex(bytes), "ff4abc1234ff");
    assert.equal(channelOf(bytes, 1), 0x4abc);
  });

  test("RFC 8656 §12, RFC 5766 §11: numbers from 0x4000 to 0x7fff", () => {
    assert.deepEqual([0x3fff, 0x4000, 0x4fff, 0x7fff, 0x8000].map(isChannelNumber), [false, true, true, true, false]);
  });
});

test("every code we send has a reason that fits its attribute, and others have one too", () => {
  for (const [code, reason] of Object.entries(REASONS)) assert.equal(reasonFor(Number(code)), reason);
  assert.equal(reasonFor(418), "Error");
});
