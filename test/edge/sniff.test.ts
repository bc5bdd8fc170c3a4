import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { SNIFF_BYTES, sniff } from "../../src/edge/sniff.ts";
import { concat, fromHex } from "../../src/lib/bytes.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

const heads = [
  { name: "a Binding request", head: fromHex("000100002112a442"), verdict: "turn" },
  { name: "an Allocate request", head: fromHex("000300242112a442"), verdict: "turn" },
  { name: "a Send indication", head: fromHex("001600242112a442"), verdict: "turn" },
  { name: "an error response", head: fromHex("011300242112a442"), verdict: "turn" },
  { name: "nothing", head: fromHex(""), verdict: "not yet" },
  { name: "seven octets of STUN", head: fromHex("000300242112a4"), verdict: "not yet" },
  { name: "one octet of it", head: fromHex("00"), verdict: "not yet" },
  { name: "a wrong cookie", head: fromHex("000300242112a443"), verdict: "http" },
  { name: "a cookie wrong from its first octet", head: fromHex("0003002420"), verdict: "http" },
  { name: "one letter", head: ascii("G"), verdict: "http" },
  { name: "a request", head: ascii("POST /v1/credentials"), verdict: "http" },
  { name: "ChannelData", head: fromHex("4000000401020304"), verdict: "http" },
  { name: "a first octet of 2", head: fromHex("02"), verdict: "http" },
];

describe("sniff", () => {
  for (const { name, head, verdict } of heads) {
    test(`without ALPN, ${name} is ${verdict}`, () => assert.equal(sniff(undefined, head), verdict));
  }

  test("RFC 7443 §3: ALPN decides, whatever comes", () => {
    for (const { head } of heads) {
      assert.equal(sniff("stun.turn", head), "turn");
      assert.equal(sniff("stun.nat-discovery", head), "turn");
      assert.equal(sniff("http/1.1", head), "http");
    }
  });

  test("a verdict stays when more comes, and eight octets are enough", () => {
    const likely = fc.constantFrom(...heads.map(({ head }) => head));
    fc.assert(
      fc.property(likely, fc.uint8Array({ maxLength: 12 }), (head, more) => {
        const before = sniff(undefined, head);
        const after = sniff(undefined, concat(head, more));
        if (before !== "not yet") assert.equal(after, before);
        if (head.length + more.length >= SNIFF_BYTES) assert.notEqual(after, "not yet");
      }),
    );
  });
});
