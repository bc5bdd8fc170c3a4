import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toHex } from "../../src/lib/bytes.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { checkFingerprint } from "../../src/stun/fingerprint.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { MessageBuilder } from "../../src/stun/message.ts";
import { Simulation } from "../support/simulation.ts";
import { addRaw, TURN_REQUESTS } from "../support/turn-requests.ts";

const UNKNOWN_REQUIRED = 0x7ffe;
const UNKNOWN_OPTIONAL = 0xfffe;
const bare = { integrity: "none" } as const;

describe("RFC 8489: requests and their answers", () => {
  test("RFC 8489 §6.3.1: a Binding is answered with the address it came from, and nothing else", () => {
    const world = new Simulation();
    const ipv4 = world.client({ address: "192.0.2.9:4242" });
    const request = ipv4.build(METHOD.binding, () => {}, bare);
    const [answer] = ipv4.exchange(request);
    assert.deepEqual(answer?.xorMappedAddress, ipv4.from.client);
    assert.deepEqual([request.length, answer?.bytes.length], [20, 32]);

    const ipv6 = world.client({ address: "[2001:db8::9]:4242", server: "[2001:db8::1]:3478" });
    assert.deepEqual(ipv6.exchange(ipv6.build(METHOD.binding, () => {}, bare))[0]?.xorMappedAddress, ipv6.from.client);
  });

  test("RFC 8489 §7: FINGERPRINT is in the answer exactly if it was in the request", () => {
    const world = new Simulation();
    const client = world.client();
    for (const { method, fill } of [{ method: METHOD.binding, fill: () => {} }, ...TURN_REQUESTS]) {
      for (const fingerprint of [true, false]) {
        for (const integrity of ["none", "sha1"] as const) {
          const { message } = client.ask(method, fill, { integrity, fingerprint });
          assert.ok(message);
          assert.equal(checkFingerprint(message), fingerprint ? "right" : "absent");
        }
      }
    }
  });

  test("RFC 8489 §7: a wrong FINGERPRINT is not answered", () => {
    const world = new Simulation();
    const client = world.client();
    const bytes = client.build(METHOD.binding, () => {}, { ...bare, fingerprint: true });
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    assert.deepEqual(client.exchange(bytes), []);
    assert.deepEqual(world.eventsOf("ignored"), [{ type: "ignored", why: "malformed" }]);
  });

  test("RFC 8489 §6.3.1: a Binding with an unknown attribute that must be understood is 420", () => {
    const client = new Simulation().client();
    const { outcome, message } = client.ask(METHOD.binding, (b) => addRaw(b, UNKNOWN_REQUIRED, 1), bare);
    assert.equal(outcome, 420);
    assert.deepEqual(message?.unknownAttributes, [UNKNOWN_REQUIRED]);
    assert.equal(client.ask(METHOD.binding, (b) => addRaw(b, UNKNOWN_OPTIONAL, 1), bare).outcome, "ok");
  });

  test("RFC 8489 §6.3: a Binding with a malformed attribute that must be understood is 400", () => {
    const client = new Simulation().client();
    const malformed = client.ask(METHOD.binding, (b) => addRaw(b, ATTRIBUTE.lifetime.type, 1), bare);
    assert.equal(malformed.outcome, 400);
    assert.equal(client.ask(METHOD.binding, (b) => addRaw(b, ATTRIBUTE.software.type, 0xff), bare).outcome, "ok");
  });

  test("RFC 8489 §6.3.1: a request with an unknown attribute that must be understood is 420, after its credentials", () => {
    for (const { name, method, fill } of TURN_REQUESTS) {
      const client = new Simulation().client();
      const strange = (b: MessageBuilder) => addRaw(fill(b) instanceof MessageBuilder ? b : b, UNKNOWN_REQUIRED);
      assert.equal(client.ask(method, strange, bare).outcome, 401, name);
      const { outcome, message } = client.ask(method, strange);
      assert.equal(outcome, 420, name);
      assert.deepEqual(message?.unknownAttributes, [UNKNOWN_REQUIRED]);
      assert.ok(message?.messageIntegrity, "it is signed");
    }
  });

  test("RFC 8489 §6.3: what is no request of ours is not answered", () => {
    const world = new Simulation();
    const client = world.client().allocate();
    const id = new Uint8Array(12);
    const kinds = [CLASS.indication, CLASS.success, CLASS.error];
    for (const method of Object.values(METHOD)) {
      for (const kind of kinds) {
        assert.deepEqual(client.exchange(new MessageBuilder(method, kind, id).build()), [], `method ${method}, class ${kind}`);
      }
    }
    for (const method of [METHOD.send, METHOD.data, METHOD.connect, METHOD.connectionBind, METHOD.connectionAttempt, 0xfff]) {
      assert.deepEqual(client.exchange(client.build(method, () => {}, {})), [], `a request of method ${method}`);
    }
  });

  test("RFC 8489 §6.3: malformed octets and source port 0 are not answered", () => {
    const world = new Simulation();
    const client = world.client();
    const good = client.build(METHOD.binding, () => {}, bare);
    const cookie = good.slice();
    cookie[4] = 0;
    const length = good.slice();
    length[3] = 4;
    for (const bytes of [cookie, length, good.slice(0, 19), new Uint8Array(0), new Uint8Array(20)]) {
      assert.deepEqual(client.exchange(bytes), [], toHex(bytes));
    }
    const nobody = world.client({ address: "192.0.2.1:0" });
    assert.deepEqual(nobody.exchange(good), []);
  });

  test("RFC 8489 §14: of duplicates the first counts, and nothing behind MESSAGE-INTEGRITY", () => {
    const world = new Simulation();
    const client = world.client();
    const twice = client.ask(METHOD.allocate, (b) =>
      b.add(ATTRIBUTE.requestedTransport, 17).add(ATTRIBUTE.lifetime, 700).add(ATTRIBUTE.lifetime, 800),
    );
    assert.equal(twice.message?.lifetime, 700);
    const behind = new MessageBuilder(METHOD.binding, CLASS.request, new Uint8Array(12)).sign(new Uint8Array(16));
    const [answer] = client.exchange(addRaw(behind, UNKNOWN_REQUIRED).build());
    assert.equal(answer?.class, CLASS.success);
  });
});
