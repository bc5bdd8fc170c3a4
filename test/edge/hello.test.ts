import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type HelloState, HelloReader, MAX_HELLO_BYTES } from "../../src/edge/hello.ts";
import { concat, fromHex, writeUint16 } from "../../src/lib/bytes.ts";

const VECTORS = new URL("../vectors/hello/", import.meta.url);
const vector = (name: string): Uint8Array => fromHex(readFileSync(new URL(`${name}.hex`, VECTORS), "utf8"));

const captures = [
  { name: "openssl-tls12", serverName: "turn.example.com", alpn: [] },
  { name: "openssl-tls13-alpn", serverName: "turn.example.com", alpn: ["stun.turn", "http/1.1"] },
  { name: "openssl-no-name", serverName: undefined, alpn: [] },
  { name: "curl", serverName: "turn.example.com", alpn: ["h2", "http/1.1"] },
  { name: "boringssl", serverName: "turn.example.com", alpn: ["stun.turn"] },
  { name: "rustls", serverName: "localhost", alpn: ["h2", "http/1.1"] },
  { name: "chromium-https", serverName: "turn.example.com", alpn: ["h2", "http/1.1"] },
];

const cuts = fc.array(fc.nat({ max: 4000 }), { maxLength: 12 });
const captured = fc.constantFrom(...captures);

describe("HelloReader on captures", () => {
  test("every capture is in the table", () => {
    assert.deepEqual(readdirSync(VECTORS).sort(), captures.map(({ name }) => `${name}.hex`).sort());
  });

  for (const { name, ...hello } of captures) {
    test(`reads ${name} whole, octet by octet, and with the first flight behind it`, () => {
      const wire = vector(name);
      assert.deepEqual(readIn([wire]), hello);
      assert.deepEqual(readIn(Array.from(wire, (octet) => Uint8Array.of(octet))), hello);
      assert.deepEqual(readIn([concat(wire, new Uint8Array(60_000))]), hello);
    });

    test(`waits for the last octet of ${name}`, () => {
      assert.equal(readIn([vector(name).subarray(0, -1)]), "not yet");
    });
  }

  test("any cut into segments and records says the same", () => {
    fc.assert(
      fc.property(captured, cuts, cuts, ({ name, ...hello }, records, segments) => {
        assert.deepEqual(readIn(cut(inRecords(vector(name), records), segments)), hello);
      }),
      { numRuns: 200 },
    );
  });

  test("keeps all that was pushed", () => {
    fc.assert(
      fc.property(cuts, (segments) => {
        const wire = concat(vector("boringssl"), fromHex("14030300"));
        const reader = new HelloReader();
        for (const segment of cut(wire, segments)) reader.push(segment);
        assert.deepEqual(reader.bytes(), wire);
      }),
      { numRuns: 50 },
    );
  });
});

describe("HelloReader on anything else", () => {
  const strangers = [
    { name: "an HTTP request", head: new TextEncoder().encode("G"), state: "not a hello" },
    { name: "a STUN header", head: fromHex("0001"), state: "not a hello" },
    { name: "SSL 2", head: fromHex("802e0103"), state: "not a hello" },
    { name: "a record of another kind", head: fromHex("15"), state: "not a hello" },
    { name: "a record of no known version", head: fromHex("1604"), state: "not a hello" },
    { name: "an empty record", head: fromHex("1603010000"), state: "malformed" },
    { name: "a record too long", head: fromHex("1603014001"), state: "malformed" },
    { name: "a ServerHello", head: fromHex("160301000402"), state: "malformed" },
    { name: "a hello too long", head: fromHex("160301000401004000"), state: "malformed" },
    { name: "a record of another kind in between", head: fromHex("1603010001 01 15"), state: "malformed" },
    { name: "nothing", head: new Uint8Array(0), state: "not yet" },
  ];
  for (const { name, head, state } of strangers) {
    test(`${name} is "${state}" at once`, () => assert.equal(readIn([head]), state));
  }

  test("records of one octet each do not go on for ever", () => {
    const reader = new HelloReader();
    const record = fromHex("1603010001 00");
    let state = reader.push(fromHex("1603010004 01003000"));
    for (let sent = 9; state === "not yet"; sent += record.length) {
      assert.ok(sent <= MAX_HELLO_BYTES);
      state = reader.push(record);
    }
    assert.equal(state, "malformed");
  });

  test("any octets get an answer, and a changed octet never an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        readIn([octets]);
        readIn([concat(fromHex("160301"), lengthOf(octets.length + 4), fromHex("010000"), Uint8Array.of(octets.length), octets)]);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(captured, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ name }, at, change) => {
        const wire = vector(name);
        const index = at % wire.length;
        wire[index] = (wire[index] ?? 0) ^ change;
        const state = readIn([wire]);
        assert.ok(typeof state === "object" || ["not yet", "not a hello", "malformed"].includes(state));
      }),
      { numRuns: 500 },
    );
  });
});

function readIn(segments: readonly Uint8Array[]): HelloState {
  const reader = new HelloReader();
  let state: HelloState = "not yet";
  for (const segment of segments) state = reader.push(segment);
  return state;
}

/** Pieces that begin at the given places, wherever those lie within the octets. */
function cut(octets: Uint8Array, places: readonly number[]): Uint8Array[] {
  const inside = [...new Set(places.map((place) => place % octets.length))].sort((a, b) => a - b);
  return [0, ...inside].map((start, i) => octets.subarray(start, inside[i] ?? octets.length));
}

/** The same handshake message, over several records. */
function inRecords(wire: Uint8Array, places: readonly number[]): Uint8Array {
  const fragments = cut(wire.subarray(5), places).filter((fragment) => fragment.length > 0);
  return concat(...fragments.flatMap((fragment) => [wire.subarray(0, 3), lengthOf(fragment.length), fragment]));
}

function lengthOf(count: number): Uint8Array {
  const octets = new Uint8Array(2);
  writeUint16(octets, 0, count);
  return octets;
}
