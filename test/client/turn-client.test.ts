import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientOutput, TurnRequest } from "../../src/client/dialogue.ts";
import { TurnClient, type TurnClientOptions } from "../../src/client/turn-client.ts";
import { randomFrom } from "../../src/lib/random.ts";
import { parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { longTermKey, verifyIntegrity } from "../../src/stun/integrity.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";

const credentials = { username: "1718200000:project_ab12", credential: "secret" };
const realm = "relay.example.com";
const key = longTermKey(credentials.username, realm, credentials.credential);
const nonce = new TextEncoder().encode("nonce 1");
const laterNonce = new TextEncoder().encode("nonce 2");
const peer = parseAddress("192.0.2.7:9");
const relayed = parseAddress("198.51.100.1:50000");

/** A client whose chance counts up. */
function newClient(options: Partial<TurnClientOptions> = {}): TurnClient {
  let count = 0;
  const random = randomFrom((bytes) => {
    count += 1;
    return new Uint8Array(bytes).fill(count);
  });
  return new TurnClient({ transport: "udp", credentials, random, ...options });
}

const ask = (request: TurnRequest) => ({ kind: "ask", id: 7, request }) as const;

/** The one message that a step wants sent. */
function sent(outputs: readonly ClientOutput[]): Message {
  const [output, ...rest] = outputs;
  assert.equal(output?.kind, "transmit");
  assert.equal(rest.length, 0);
  const message = Message.decode(output?.kind === "transmit" ? output.bytes : new Uint8Array(0));
  assert.ok(message);
  return message;
}

function refusal(request: Message, code: number, withNonce?: Uint8Array): Uint8Array {
  const builder = new MessageBuilder(request.method, CLASS.error, request.transactionId);
  builder.add(ATTRIBUTE.errorCode, { code, reason: "" });
  if (withNonce) builder.add(ATTRIBUTE.realm, realm).add(ATTRIBUTE.nonce, withNonce);
  return builder.build();
}

function allocated(request: Message, signedWith: Uint8Array = key): Uint8Array {
  const builder = new MessageBuilder(request.method, CLASS.success, request.transactionId);
  return builder.add(ATTRIBUTE.xorRelayedAddress, relayed).add(ATTRIBUTE.lifetime, 600).sign(signedWith).build();
}

const received = (bytes: Uint8Array) => ({ kind: "received", bytes }) as const;

/** The signed Allocate of a client that was challenged once. */
function challenged(client: TurnClient): Message {
  const bare = sent(client.handle(ask({ kind: "allocate" }), 0));
  return sent(client.handle(received(refusal(bare, 401, nonce)), 10));
}

describe("authentication", () => {
  test("RFC 8489 §9.2.3.1: the first request is bare, the answer to a 401 is signed with its realm and nonce", () => {
    const client = newClient();
    const bare = sent(client.handle(ask({ kind: "allocate" }), 0));
    assert.equal(bare.username, undefined);
    assert.equal(bare.requestedTransport, 17);

    const signed = sent(client.handle(received(refusal(bare, 401, nonce)), 10));
    assert.equal(signed.username, credentials.username);
    assert.equal(signed.realm, realm);
    assert.deepEqual(signed.nonce, nonce);
    assert.ok(verifyIntegrity(signed, key));
    assert.notDeepEqual(signed.transactionId, bare.transactionId);
  });

  test("a second 401 is final", () => {
    const client = newClient();
    const signed = challenged(client);
    const [output] = client.handle(received(refusal(signed, 401, laterNonce)), 20);
    assert.deepEqual(output, {
      kind: "answer",
      id: 7,
      answer: { kind: "refused", code: 401, reason: "", alternateServer: undefined },
    });
    assert.equal(client.nextDeadline, undefined);
  });

  test("a 401 without credentials is final at once", () => {
    const client = newClient({ credentials: undefined });
    const bare = sent(client.handle(ask({ kind: "allocate" }), 0));
    const [output] = client.handle(received(refusal(bare, 401, nonce)), 10);
    assert.equal(output?.kind === "answer" && output.answer.kind, "refused");
  });

  test("RFC 8489 §9.2.5: a 438 is answered with its fresh nonce, three times at most", () => {
    const client = newClient();
    let request = challenged(client);
    for (let i = 0; i < 2; i++) {
      request = sent(client.handle(received(refusal(request, 438, laterNonce)), 20));
      assert.deepEqual(request.nonce, laterNonce);
    }
    const [output] = client.handle(received(refusal(request, 438, nonce)), 30);
    assert.equal(output?.kind === "answer" && output.answer.kind === "refused" && output.answer.code, 438);
  });

  test("a success that does not prove itself is no answer", () => {
    const client = newClient();
    const signed = challenged(client);
    assert.deepEqual(client.handle(received(allocated(signed, new Uint8Array(16))), 20), []);
    const [output] = client.handle(received(allocated(signed)), 30);
    assert.equal(output?.kind === "answer" && output.answer.kind, "success");
  });

  test("what is known is used by the next request at once", () => {
    const client = newClient();
    client.handle(received(allocated(challenged(client))), 20);
    const refresh = sent(client.handle(ask({ kind: "refresh", lifetimeSeconds: 0 }), 30));
    assert.ok(verifyIntegrity(refresh, key));
    assert.equal(refresh.lifetime, 0);
  });

  test("a challenge ends with its 401, and what it taught serves the Allocate", () => {
    const client = newClient();
    const bare = sent(client.handle(ask({ kind: "challenge" }), 0));
    const [output] = client.handle(received(refusal(bare, 401, nonce)), 10);
    assert.equal(output?.kind === "answer" && output.answer.kind, "success");
    assert.ok(verifyIntegrity(sent(client.handle(ask({ kind: "allocate" }), 20)), key));
  });
});

describe("retransmission", () => {
  test("RFC 8489 §6.2.1: over UDP a request is sent at 0, 500, 1500, 3500, 7500, 15500 and 31500 ms, and given up at 39500", () => {
    const client = newClient();
    const first = sent(client.handle(ask({ kind: "binding" }), 0));
    for (const due of [500, 1500, 3500, 7500, 15_500, 31_500]) {
      assert.equal(client.nextDeadline, due);
      assert.deepEqual(client.handle({ kind: "timeout" }, due - 1), []);
      assert.deepEqual(sent(client.handle({ kind: "timeout" }, due)).bytes, first.bytes);
    }
    assert.equal(client.nextDeadline, 39_500);
    assert.deepEqual(client.handle({ kind: "timeout" }, 39_500), [{ kind: "answer", id: 7, answer: { kind: "timeout" } }]);
    assert.equal(client.nextDeadline, undefined);
  });

  test("RFC 8489 §6.2.2: over a stream it is sent once and given up after 39.5 s", () => {
    const client = newClient({ transport: "stream" });
    sent(client.handle(ask({ kind: "binding" }), 0));
    assert.equal(client.nextDeadline, 39_500);
    assert.deepEqual(client.handle({ kind: "timeout" }, 39_500), [{ kind: "answer", id: 7, answer: { kind: "timeout" } }]);
  });

  test("an answer that comes twice counts once", () => {
    const client = newClient();
    const signed = challenged(client);
    assert.equal(client.handle(received(allocated(signed)), 20).length, 1);
    assert.deepEqual(client.handle(received(allocated(signed)), 21), []);
  });
});

describe("data", () => {
  /** A client with channel 0x4001 bound to the peer. */
  function bound(transport: "udp" | "stream"): TurnClient {
    const client = newClient({ transport });
    client.handle(received(allocated(challenged(client))), 20);
    const bind = sent(client.handle(ask({ kind: "channelBind", channel: 0x4001, peer }), 30));
    client.handle(received(new MessageBuilder(bind.method, CLASS.success, bind.transactionId).sign(key).build()), 40);
    return client;
  }

  test("RFC 8656 §12.5: ChannelData is padded over a stream and not over UDP", () => {
    const data = Uint8Array.of(1, 2, 3, 4, 5);
    assert.deepEqual(bound("udp").channelData(0x4001, data), Uint8Array.of(0x40, 1, 0, 5, 1, 2, 3, 4, 5));
    assert.deepEqual(bound("stream").channelData(0x4001, data), Uint8Array.of(0x40, 1, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0));
  });

  test("ChannelData of a bound channel names its peer, that of another is nobody's", () => {
    const client = bound("udp");
    const frame = client.channelData(0x4001, Uint8Array.of(1, 2, 3));
    assert.deepEqual(client.handle(received(frame), 50), [
      { kind: "data", peer, channel: 0x4001, bytes: Uint8Array.of(1, 2, 3) },
    ]);
    assert.deepEqual(client.handle(received(client.channelData(0x4002, Uint8Array.of(1))), 50), []);
    assert.deepEqual(client.handle(received(frame.subarray(0, 6)), 50), [], "shorter than its header says");
  });

  test("a Data indication names its peer, and a Send indication carries ours", () => {
    const client = newClient();
    const indication = new MessageBuilder(METHOD.data, CLASS.indication, new Uint8Array(12));
    indication.add(ATTRIBUTE.xorPeerAddress, peer).add(ATTRIBUTE.data, Uint8Array.of(9, 8));
    assert.deepEqual(client.handle(received(indication.build()), 0), [
      { kind: "data", peer, channel: undefined, bytes: Uint8Array.of(9, 8) },
    ]);
    const send = Message.decode(client.sendIndication(peer, Uint8Array.of(7)));
    assert.equal(send?.method, METHOD.send);
    assert.deepEqual(send?.xorPeerAddress, peer);
    assert.deepEqual(send?.data, Uint8Array.of(7));
  });

  test("any octets are answered with nothing", () => {
    const client = newClient();
    for (const bytes of [new Uint8Array(0), Uint8Array.of(0x40), new Uint8Array(20), new Uint8Array(1500).fill(0xff)]) {
      assert.deepEqual(client.handle(received(bytes), 0), []);
    }
  });
});
