import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readUint16, readUint32 } from "../../src/lib/bytes.ts";
import { formatAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { HEADER_BYTES, METHOD } from "../../src/stun/header.ts";
import { Message } from "../../src/stun/message.ts";
import { longTermKey } from "../../src/stun/integrity.ts";
import type { AskOptions, Fill } from "../support/simulated-client.ts";
import { passwordOf } from "../support/simulated-policy.ts";
import { Simulation } from "../support/simulation.ts";
import { addRaw, TURN_REQUESTS } from "../support/turn-requests.ts";

const bare = { integrity: "none" } as const;

/** Ways to ask that lead to every kind of answer: refused before proof, refused after it, and granted. */
const WAYS: readonly AskOptions[] = [
  bare,
  { without: ["nonce"] },
  { password: "guess" },
  { nonce: new Uint8Array(16) },
  {},
  { fingerprint: true },
  { integrity: "sha256" },
];

/** Answers of every kind over a transport, with how each was asked for. */
function answers(transport: "udp" | "tls"): { message: Message; request: Message | undefined }[] {
  return WAYS.flatMap((options) => {
    const client = new Simulation().client({ transport });
    const requests = [{ method: METHOD.binding, fill: (() => {}) as Fill }, ...TURN_REQUESTS, ...TURN_REQUESTS];
    return requests.flatMap(({ method, fill }) => {
      const { message } = client.ask(method, fill, { retry: false, ...options });
      const request = client.lastRequest && Message.decode(client.lastRequest.bytes);
      return message === undefined ? [] : [{ message, request }];
    });
  });
}

describe("RFC 8489: what answers look like", () => {
  test("RFC 8489 §5: an answer's header has two zero bits, the cookie, its length and the request's transaction id", () => {
    for (const { message, request } of [...answers("udp"), ...answers("tls")]) {
      const { bytes } = message;
      assert.equal((bytes[0] ?? 0) & 0xc0, 0);
      assert.equal(readUint16(bytes, 2), bytes.length - HEADER_BYTES);
      assert.equal(bytes.length % 4, 0);
      assert.equal(readUint32(bytes, 4), 0x2112a442);
      assert.equal(message.method, request?.method);
      assert.deepEqual(message.transactionId, request?.transactionId);
    }
  });

  test("RFC 8489 §6.1: no answer over UDP is longer than 548 octets, as long as few attributes are unknown", () => {
    for (const { message } of answers("udp")) assert.ok(message.bytes.length <= 548, `${message.bytes.length} octets`);
  });

  test("RFC 8489 §6.3.1.2: an answer goes to where its request came from", () => {
    for (const transport of ["udp", "tcp"] as const) {
      const world = new Simulation();
      const client = world.client({ transport });
      for (const { method, fill } of [{ method: METHOD.binding, fill: (() => {}) as Fill }, ...TURN_REQUESTS]) {
        const actions = world.handle({ kind: "message", from: client.from, bytes: client.build(method, fill, bare) });
        const sends = actions.filter((action) => action.kind === "send");
        assert.deepEqual(
          sends.map(({ to, source }) => ({ to, source })),
          [{ to: client.from, source: undefined }],
        );
      }
    }
  });

  test("RFC 8489 §9.2.4: no 400, 401 or 438 names anybody, or is signed; a 400 has no realm and no nonce", () => {
    let seen = 0;
    for (const { message } of [...answers("udp"), ...answers("tls")]) {
      const code = message.errorCode?.code ?? 0;
      if (![400, 401, 438].includes(code) || message.software !== undefined) continue;
      seen++;
      const unwanted = [ATTRIBUTE.username, ATTRIBUTE.userhash, ATTRIBUTE.messageIntegrity, ATTRIBUTE.messageIntegritySha256];
      for (const { type, name } of unwanted) assert.ok(!message.has(type), `${name} in a ${code}`);
      assert.equal(message.has(ATTRIBUTE.realm.type), code !== 400);
      assert.equal(message.has(ATTRIBUTE.nonce.type), code !== 400);
    }
    assert.ok(seen > 20);
  });

  test("RFC 8489 §9.2.4: an answer to a proven request carries no credentials", () => {
    let seen = 0;
    for (const { message } of [...answers("udp"), ...answers("tls")]) {
      if (message.messageIntegrity === undefined && message.messageIntegritySha256 === undefined) continue;
      seen++;
      for (const { type, name } of [ATTRIBUTE.username, ATTRIBUTE.userhash, ATTRIBUTE.realm, ATTRIBUTE.nonce]) {
        assert.ok(!message.has(type), name);
      }
    }
    assert.ok(seen > 20);
  });

  test("RFC 8489 §6.3.1.1: every error has its code, and once the client has proven itself a phrase and our name", () => {
    for (const { message } of [...answers("udp"), ...answers("tls")]) {
      const isProven = message.messageIntegrity !== undefined || message.messageIntegritySha256 !== undefined;
      assert.equal(message.software, isProven ? "icebreaker" : undefined);
      if (message.class !== 3) continue;
      assert.ok(message.errorCode);
      if (isProven) assert.ok(message.errorCode.reason.length > 3);
    }
  });

  test("RFC 8489 §14.7: FINGERPRINT is the last attribute of an answer", () => {
    for (const { message } of answers("udp")) {
      if (!message.has(ATTRIBUTE.fingerprint.type)) continue;
      assert.equal(readUint16(message.bytes, message.bytes.length - 8), ATTRIBUTE.fingerprint.type);
    }
  });

  test("RFC 8489 §14.8: the reserved bits of ERROR-CODE are zero, its class 3 to 6, its number below 100", () => {
    for (const { message } of answers("udp")) {
      const at = message.offsets.find((offset) => readUint16(message.bytes, offset) === ATTRIBUTE.errorCode.type);
      if (at === undefined) continue;
      const [first, second, third = 0, fourth = 255] = message.valueAt(at);
      assert.deepEqual([first, second, third >> 3], [0, 0, 0]);
      assert.ok(third >= 3 && third <= 6 && fourth < 100);
    }
  });

  test("RFC 8489 §14.10: a nonce and a realm have fewer than 128 characters", () => {
    for (const { message } of [...answers("udp"), ...answers("tls")]) {
      assert.ok((message.nonce?.length ?? 0) < 128);
      assert.ok((message.realm?.length ?? 0) < 128);
    }
  });
});

describe("RFC 8489: what requests may look like", () => {
  test("RFC 8489 §6.3: known attributes where nobody expects them are ignored", () => {
    const client = new Simulation().client();
    const odd: Fill = (b) => b.add(ATTRIBUTE.channelNumber, 0x4000).add(ATTRIBUTE.lifetime, 700).add(ATTRIBUTE.software, "odd");
    assert.equal(client.ask(METHOD.binding, odd, bare).outcome, "ok");
    assert.equal(client.ask(METHOD.allocate, (b) => [b.add(ATTRIBUTE.requestedTransport, 17), odd(b)]).outcome, "ok");
    assert.equal(client.ask(METHOD.refresh, odd).message?.lifetime, 700);
  });

  test("RFC 8489 §14: padding is zero when it is sent, and ignored when it is received", () => {
    const client = new Simulation().client();
    const bytes = client.build(METHOD.binding, (b) => b.add(ATTRIBUTE.software, "abcde"), bare);
    bytes[bytes.length - 1] = 0xff;
    assert.equal(client.exchange(bytes).length, 1);
    const { message } = client.ask(METHOD.refresh, () => {});
    assert.ok(message);
    for (const offset of message.offsets) {
      const length = readUint16(message.bytes, offset + 2);
      for (let at = length; at % 4 !== 0; at++) assert.equal(message.bytes[offset + 4 + at], 0);
    }
  });

  test("RFC 8489 §14.1: the first octet of an address is ignored", () => {
    const client = new Simulation().client().allocate();
    const peer = [0xff, 1, 0x21, 0x1b, 0xc6, 0x33, 0x64, 1].map(
      (octet, i) => octet ^ ([0, 0, 0, 0, 0x21, 0x12, 0xa4, 0x42][i] ?? 0),
    );
    const { outcome } = client.ask(METHOD.createPermission, (b) => addRaw(b, ATTRIBUTE.xorPeerAddress.type, ...peer));
    assert.equal(outcome, "ok");
    assert.equal(formatAddress(client.from.client), "192.0.2.1:10001");
  });

  test("RFC 8489 §14.3: a USERNAME of 763 octets is read, and is nobody's", () => {
    const client = new Simulation().client();
    client.ask(METHOD.refresh);
    for (const text of ["u".repeat(763), "é".repeat(381)]) {
      const named: Fill = (b) => addRaw(b, ATTRIBUTE.username.type, ...new TextEncoder().encode(text));
      assert.equal(client.ask(METHOD.refresh, named, { without: ["username"] }).outcome, 401);
    }
  });

  test("RFC 8489 §9.2.2: MESSAGE-INTEGRITY is proven with the key of username, realm and password", () => {
    const client = new Simulation().client();
    client.ask(METHOD.refresh);
    const key = longTermKey(client.username, client.realm, passwordOf(client.username));
    assert.equal(key.length, 16);
    assert.equal(client.ask(METHOD.refresh, () => {}, { password: passwordOf(client.username) }).outcome, 437);
  });
});
