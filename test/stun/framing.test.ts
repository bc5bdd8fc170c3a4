import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { concat, fromHex, toHex } from "../../src/lib/bytes.ts";
import { Framer } from "../../src/stun/framing.ts";

const header = (length: string): string => `0001${length}2112a442b7e7a701bc34d686fa87dfae`;
const stun = { wire: header("0000"), frame: header("0000") };
const longer = { wire: `${header("0008")}8022000161000000`, frame: `${header("0008")}8022000161000000` };
const empty = { wire: "40000000", frame: "40000000" };
const padded = { wire: "4fff0005 6162636465 000000", frame: "4fff00056162636465" };

/** Everything that comes out, in hexadecimal. */
function drain(framer: Framer): string[] {
  const frames: string[] = [];
  for (let frame = framer.next(); frame; frame = framer.next()) {
    frames.push(toHex(frame.bytes.subarray(frame.offset, frame.offset + frame.length)));
  }
  return frames;
}

describe("Framer", () => {
  test("shows a whole frame where it lies", () => {
    const bytes = concat(fromHex(stun.wire), fromHex(padded.wire));
    const framer = new Framer();
    framer.push(bytes);
    const first = framer.next();
    assert.equal(first?.bytes, bytes);
    assert.equal(first?.offset, 0);
    const second = framer.next();
    assert.equal(second?.bytes, bytes);
    assert.equal(second?.offset, 20);
    assert.equal(framer.next(), undefined);
  });

  test("pushes that nobody asked about in between are one stream", () => {
    const framer = new Framer();
    const bytes = fromHex(longer.wire + padded.wire + stun.wire);
    for (const octet of bytes) framer.push(Uint8Array.of(octet));
    assert.deepEqual(drain(framer), [longer.frame, padded.frame, stun.frame]);
  });

  const broken = [
    { name: "a request in small letters", wire: toHex(new TextEncoder().encode("\r\npost / HTTP/1.1\r\n")) },
    { name: "a number above the channels", wire: "80000000" },
    { name: "first bits 10", wire: "80000000" },
    { name: "a STUN length that is no multiple of 4", wire: "00010001 2112a442" },
    { name: "another cookie", wire: "00010000 2112a443" },
  ];
  for (const { name, wire } of broken) {
    test(`breaks on ${name}, after the frames before it, and stays broken`, () => {
      for (const step of [1, 3, 1000]) {
        const framer = new Framer();
        const bytes = concat(fromHex(stun.wire), fromHex(wire));
        const frames: string[] = [];
        for (let at = 0; at < bytes.length; at += step) {
          framer.push(bytes.subarray(at, at + step));
          frames.push(...drain(framer));
        }
        assert.deepEqual(frames, [stun.frame]);
        assert.ok(framer.broken);
        framer.push(fromHex(stun.wire));
        assert.equal(framer.next(), undefined);
      }
    });
  }

  test("the longest frames of both kinds", () => {
    const message = concat(fromHex(header("fffc")), new Uint8Array(0xfffc));
    const data = concat(fromHex("4000ffff"), new Uint8Array(0x10000));
    const bytes = concat(message, data, fromHex(stun.wire));
    const framer = new Framer();
    const lengths: number[] = [];
    for (let at = 0; at < bytes.length; at += 1460) {
      framer.push(bytes.subarray(at, at + 1460));
      for (let frame = framer.next(); frame; frame = framer.next()) lengths.push(frame.length);
    }
    assert.deepEqual(lengths, [20 + 0xfffc, 4 + 0xffff, 20]);
  });

  /**
   * Goal: where the network cuts a stream does not matter. Method: random frames and random cuts, including empty
   * pushes; what comes out must be the frames that went in.
   */
  test("survives any cut", () => {
    const frames = fc.array(fc.constantFrom(stun, longer, empty, padded), { maxLength: 12 });
    const cuts = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(frames, cuts, (sent, sizes) => {
        const bytes = fromHex(sent.map(({ wire }) => wire).join(""));
        const framer = new Framer();
        const received: string[] = [];
        // A place that each piece lies in somewhere, and that is overwritten when nothing more comes out of it.
        const place = new Uint8Array(50);
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length] || (i % sizes.length === 0 ? 1 : 0);
          const piece = bytes.subarray(at, at + size);
          place.set(piece, 5);
          framer.push(place, 5, 5 + piece.length);
          at += size;
          received.push(...drain(framer));
          place.fill(0xff);
        }
        assert.deepEqual(
          received,
          sent.map(({ frame }) => frame),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("any octets end in frames or in a broken stream, never in a throw", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (pushes) => {
        const framer = new Framer();
        for (const bytes of pushes) {
          framer.push(bytes);
          drain(framer);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("what is kept need not stay where it was pushed from, shown or not", () => {
  const framer = new Framer();
  const place = concat(fromHex("ffff"), fromHex(stun.wire), fromHex(padded.wire), fromHex("4000"));
  framer.push(place, 2);
  assert.equal(framer.next()?.offset, 2);
  framer.keep();
  place.fill(0xff);
  framer.push(fromHex("0000"));
  assert.deepEqual(drain(framer), [padded.frame, empty.frame]);
  framer.keep();
  assert.equal(framer.takeRest().length, 0);
});

test("what belongs to no frame yet is taken as it came, and is gone then", () => {
  const frame = fromHex("4000 0001 0a000000");
  for (const pieces of [
    [frame, fromHex("48656c6c6f")],
    [concat(frame, fromHex("48656c6c6f"))],
    [concat(frame, fromHex("48")), fromHex("656c6c6f")],
  ]) {
    const framer = new Framer();
    const rest: Uint8Array[] = [];
    for (const piece of pieces) {
      framer.push(piece);
      if (framer.next() !== undefined || rest.length > 0) rest.push(framer.takeRest());
    }
    assert.equal(toHex(concat(...rest)), "48656c6c6f");
    assert.equal(framer.next(), undefined);
  }
});
