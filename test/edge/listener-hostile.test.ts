import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { describe, test } from "node:test";
import type { Patience } from "../../src/edge/listener.ts";
import { fromHex, toHex } from "../../src/lib/bytes.ts";
import { Admission } from "../../src/edge/admission.ts";
import { SocketAddress } from "../../src/net/socket-address.ts";
import { bindingAnswer, bindingRequest, EdgeWorld, tlsClient } from "./edge-world.ts";
import { numberedMedia, numbersOf, TestClient, until } from "./support.ts";

const HURRIED: Patience = { handshakeMs: 80, firstOctetsMs: 80, lingerMs: 80 };
/** The beginning of a ClientHello that announces more than ever comes. */
const HALF_HELLO = fromHex("1603010200 010001fc 0303 0001020304050607");
/** A whole one, to which our answer is not understood. */
const HELLO = fromHex(readFileSync(new URL("../vectors/hello/boringssl.hex", import.meta.url), "utf8"));
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("what is not a ClientHello", () => {
  const knocks = [
    { name: "an HTTP request", octets: ascii("GET / HTTP/1.1\r\nHost: x\r\n\r\n") },
    { name: "one letter", octets: ascii("G") },
    { name: "a STUN request", octets: bindingRequest(1) },
    { name: "zeros", octets: new Uint8Array(1000) },
    { name: "an SSH greeting", octets: ascii("SSH-2.0-OpenSSH_9.2\r\n") },
    { name: "a megabyte of letters", octets: new Uint8Array(1_000_000).fill(0x41) },
  ];
  for (const { name, octets } of knocks) {
    test(`${name} gets a plain 400, and the close`, () =>
      EdgeWorld.run({}, async (world) => {
        const client = await TestClient.tcp(world.port);
        client.socket.write(octets);
        await until(() => client.ended, "the end");
        assert.match(client.text, /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\r\nConnection: close\r\n\r\nBad Request\n$/);
        client.socket.end();
        await until(() => world.admission.connections === 0, "the connection is gone");
        assert.deepEqual(world.seen, []);
      }));
  }

  test("who goes on sending after a 400 is cut off", () =>
    EdgeWorld.run({ patience: HURRIED }, async (world) => {
      const client = new TestClient(connect({ port: world.port, host: "127.0.0.1", allowHalfOpen: true }));
      client.socket.write("hello");
      await until(() => client.ended, "the answer");
      await until(() => world.admission.connections === 0, "the connection is gone");
      client.socket.destroy();
    }));

  test("TLS gone wrong gets an alert, as TLS says it", () =>
    EdgeWorld.run({}, async (world) => {
      const client = await TestClient.tcp(world.port);
      client.socket.write(fromHex("1603010005 0100000100"));
      await until(() => client.closed, "the close");
      assert.equal(client.received[0], 21);
      await until(() => world.admission.connections === 0, "the connection is gone");
    }));
});

describe("whoever stops", () => {
  const stops = [
    { name: "before a hello", octets: [] },
    { name: "in a hello", octets: [HALF_HELLO] },
    { name: "in a hello of one octet", octets: [Uint8Array.of(22)] },
  ];
  for (const { name, octets } of stops) {
    test(`${name} is closed at the deadline`, () =>
      EdgeWorld.run({ patience: HURRIED }, async (world) => {
        const client = await TestClient.tcp(world.port);
        for (const some of octets) client.socket.write(some);
        await until(() => client.closed, "the close");
        await until(() => world.admission.connections === 0, "the connection is gone");
      }));
  }

  test("between hello and the end of the handshake is closed at the deadline", () =>
    EdgeWorld.run({ patience: HURRIED }, async (world) => {
      const client = await TestClient.tcp(world.port);
      client.socket.write(HELLO);
      await until(() => client.received.length > 0, "the ServerHello");
      await until(() => client.closed, "the close");
      await until(() => world.admission.connections === 0, "the connection is gone");
    }));

  for (const [name, octets] of [
    ["after the handshake", new Uint8Array(0)],
    ["within the first eight octets", bindingRequest(1).subarray(0, 5)],
  ] as const) {
    test(`${name} is closed at the deadline`, () =>
      EdgeWorld.run({ patience: { ...HURRIED, handshakeMs: 30_000 } }, async (world) => {
        const client = await world.tls();
        if (octets.length > 0) client.socket.write(octets);
        await until(() => client.closed, "the close");
        await until(() => world.admission.connections === 0, "the connection is gone");
        assert.deepEqual(world.seen, []);
      }));
  }

  test("within a STUN message, or after an answer, is closed at the deadline", async () => {
    const world = new EdgeWorld({}, new Admission(), 80);
    await world.listen();
    const half = await world.tls();
    half.socket.write(bindingRequest(1).subarray(0, 12));
    const answered = await world.tls();
    answered.socket.write(bindingRequest(2));
    await until(() => half.closed && answered.closed, "both are closed");
    assert.deepEqual(new Uint8Array(answered.received), bindingAnswer(2));
    await until(() => world.admission.connections === 0, "both are gone");
    assert.equal(world.turnClosed.length, 2);
    world.close();
  });
});

describe("whoever goes", () => {
  const leave = {
    "with FIN": (client: TestClient): unknown => client.socket.end(),
    "with RST": (client: TestClient): unknown => client.socket.resetAndDestroy(),
  };
  for (const [how, go] of Object.entries(leave)) {
    // The handshake has a deadline, for Deno does not tell of a client that is gone in the middle of it.
    test(`${how}, at any stage, leaves nothing`, () =>
      EdgeWorld.run({ patience: { handshakeMs: 1_500, firstOctetsMs: 30_000, lingerMs: 30_000 } }, async (world) => {
        for (const octets of [new Uint8Array(0), HALF_HELLO, HELLO]) {
          const client = await TestClient.tcp(world.port);
          if (octets.length > 0) client.socket.write(octets);
          if (octets === HELLO) await until(() => client.received.length > 0, "the ServerHello");
          go(client);
        }
        const early = await world.tls();
        go(early);
        const later = await world.tls({ ALPNProtocols: ["stun.turn"] });
        later.socket.write(bindingRequest(1));
        await until(() => later.received.length > 0, "an answer");
        go(later);
        const web = await world.tls({ ALPNProtocols: ["http/1.1"] });
        web.socket.write("GET / HT");
        await until(() => world.seen.length >= 2, "the web door");
        go(web);
        await until(() => world.admission.connections === 0, "all are gone");
        assert.equal(world.clients.count, 0);
      }));
  }

  test("200 connections of rubbish leave no connection and no descriptor, and honest ones are served meanwhile", () =>
    EdgeWorld.run({ patience: { handshakeMs: 300, firstOctetsMs: 300, lingerMs: 100 } }, async (world) => {
      const before = openDescriptors();
      const rubbish = Array.from({ length: 200 }, async (_, i) => {
        const client = await TestClient.tcp(world.port);
        const octets = Uint8Array.from({ length: 1 + ((i * 37) % 700) }, (_, at) => (at * 31 + i * 7) & 0xff);
        if (i % 4 === 0) octets.set(HALF_HELLO.subarray(0, Math.min(octets.length, 1 + (i % HALF_HELLO.length))));
        client.socket.write(octets);
        if (i % 3 === 0) client.socket.resetAndDestroy();
        return client;
      });
      const honest = await tlsClient(world.port, { ALPNProtocols: ["stun.turn"] });
      honest.socket.write(bindingRequest(9));
      await until(() => honest.received.length === 20, "the answer");
      const clients = await Promise.all(rubbish);
      for (const [i, client] of clients.entries()) if (i % 3 === 1) client.socket.end();
      await until(() => world.admission.connections === 1, "all but one are gone");
      assert.equal(world.admission.undecided, 0);
      honest.socket.destroy();
      await until(() => world.admission.connections === 0, "the last one too");
      for (const client of clients) client.socket.destroy();
      await until(() => openDescriptors() <= before, "every descriptor is closed");
    }));
});

describe("whoever does not read", () => {
  test("over TLS loses datagrams and no answer, and holds no more memory than its share", () =>
    EdgeWorld.run({}, async (world) => {
      const client = await world.tls({ ALPNProtocols: ["stun.turn"] });
      client.socket.write(bindingRequest(1));
      await until(() => client.received.length === 20, "an answer");
      client.socket.pause();
      const send = (octets: Uint8Array): void => world.clients.sendToClient(1, 0, new SocketAddress(), octets, 0, octets.length);
      let sent = 0;
      await until(() => {
        for (let i = 0; i < 50; i++) send(numberedMedia(++sent));
        return world.clients.counters.droppedDatagrams > 5_000;
      }, "drops");
      send(bindingAnswer(2));
      client.socket.resume();
      await until(() => toHex(client.received.subarray(-20)) === toHex(bindingAnswer(2)), "the answer");
      assert.deepEqual(
        numbersOf(client.received.subarray(20, -20)).filter((number, i, all) => number <= (all[i - 1] ?? 0)),
        [],
      );
      client.socket.destroy();
    }));
});

describe("whoever is too many", () => {
  test("is closed without a word, and may come again when others have gone", async () => {
    const admission = new Admission({ connections: 9, undecided: 9, withoutAllocation: 2 });
    const world = new EdgeWorld({}, admission);
    await world.listen();
    const one = await TestClient.tcp(world.port);
    const two = await TestClient.tcp(world.port);
    const three = await TestClient.tcp(world.port);
    await until(() => three.closed, "the close");
    assert.equal(three.received.length, 0);
    assert.equal(admission.refused.withoutAllocation, 1);
    one.socket.destroy();
    await until(() => admission.connections === 1, "one has gone");
    const four = await world.tls();
    four.socket.destroy();
    two.socket.destroy();
    await until(() => admission.connections === 0, "all are gone");
    world.close();
  });

  test("a listener that is closed drops the undecided and keeps what was given away", () =>
    EdgeWorld.run({}, async (world) => {
      const given = await world.tls({ ALPNProtocols: ["stun.turn"] });
      await until(() => world.seen.length === 1, "the door");
      const undecided = await TestClient.tcp(world.port);
      await until(() => world.admission.connections === 2, "both are there");
      world.listener.close();
      await until(() => undecided.closed, "the close");
      given.socket.write(bindingRequest(5));
      await until(() => given.received.length === 20, "the answer");
      given.socket.destroy();
    }));
});

/** How many descriptors the process has open, or 0 where the system does not say. */
function openDescriptors(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}
