import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { concat } from "../../src/lib/bytes.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";
import { askHttp } from "../support/https-client.ts";
import { type Gateway, HOSTNAME, startGateway } from "../support/gateway.ts";
import { octetByOctet, startSegmentingProxy, twoRecords, writeAlone } from "../support/segmenting-proxy.ts";
import { shared, SLOW, UNHURRIED } from "../support/shared.ts";

const CONNECTIONS = 1000;
const AT_ONCE = 50;
const REPLY_MS = 5000;

describe("one port for TURN and HTTPS", () => {
  const gateway = shared(() => startGateway());

  const cuts = [
    { how: "in 1-octet segments", cut: octetByOctet },
    { how: "over two TLS records", cut: twoRecords },
  ];
  for (const { how, cut } of cuts) {
    test(`a ClientHello ${how} leads to HTTPS and to TURN`, UNHURRIED, async () => {
      const running = await gateway();
      const proxy = await startSegmentingProxy(running.ports.tls, cut);
      try {
        const tls = { ca: running.authority.pem, servername: HOSTNAME };
        const { status } = await askHttp({ host: "127.0.0.1", port: proxy.port, path: "/healthz", tls });
        assert.equal(status, 200);
        for (const alpn of ["stun.turn", undefined]) {
          const socket = await openTls(running, { port: proxy.port, alpn });
          const request = binding();
          socket.write(request);
          assertAnswers(await stunReply(socket), request);
          socket.destroy();
        }
      } finally {
        await proxy.stop();
      }
    });
  }

  const doors = [
    { door: "TCP", open: (running: Gateway) => openTcp(running.ports.tcp) },
    { door: "TLS with ALPN", open: (running: Gateway) => openTls(running, { alpn: "stun.turn" }) },
    { door: "TLS without ALPN", open: (running: Gateway) => openTls(running, {}) },
  ];
  for (const { door, open } of doors) {
    test(`a STUN message cut anywhere is answered: ${door}`, UNHURRIED, async () => {
      const running = await gateway();
      const request = binding();
      const cutAt = Array.from({ length: request.length - 1 }, (_, i) => i + 1);
      await Promise.all(
        cutAt.map(async (at) => {
          const socket = await open(running);
          await writeAlone(socket, request.subarray(0, at));
          // The rest, with the beginning of the next message.
          const first = stunReply(socket);
          await writeAlone(socket, concat(request.subarray(at), request.subarray(0, at)));
          assertAnswers(await first, request);
          const second = stunReply(socket);
          await writeAlone(socket, request.subarray(at));
          assertAnswers(await second, request);
          socket.destroy();
        }),
      );
    });
  }

  test("a request cut into single octets is answered", UNHURRIED, async () => {
    const running = await gateway();
    for (const { open } of doors) {
      const socket = await open(running);
      const request = binding();
      for (const octet of request) await writeAlone(socket, Uint8Array.of(octet));
      assertAnswers(await stunReply(socket), request);
      socket.destroy();
    }
  });

  test("what is no ClientHello is a plain HTTP 400", UNHURRIED, async () => {
    const running = await gateway();
    for (const knock of [
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "SSH-2.0-OpenSSH_9.9\r\n",
      "\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000",
    ]) {
      const socket = await openTcp(running.ports.tls);
      socket.write(knock);
      assert.match(await textReply(socket), /^HTTP\/1\.1 400 /);
      socket.destroy();
    }
  });

  test(`HTTP and TURN interleaved, with ALPN and without: ${CONNECTIONS} connections, none misrouted`, SLOW, async () => {
    const running = await gateway();
    let misrouted = 0;
    for (let begun = 0; begun < CONNECTIONS; begun += AT_ONCE) {
      const some = Array.from({ length: AT_ONCE }, async (_, i) => {
        const number = begun + i;
        const speaksTurn = number % 2 === 0;
        const alpn = number % 4 < 2 ? undefined : speaksTurn ? "stun.turn" : "http/1.1";
        const right = speaksTurn ? await turnWorks(running, alpn) : await httpWorks(running, alpn);
        if (!right) misrouted += 1;
      });
      await Promise.all(some);
    }
    assert.equal(misrouted, 0);
  });
});

async function turnWorks(running: Gateway, alpn: string | undefined): Promise<boolean> {
  const socket = await openTls(running, { alpn });
  const request = binding();
  socket.write(request);
  const reply = await stunReply(socket);
  socket.destroy();
  return reply?.class === CLASS.success && reply.xorMappedAddress !== undefined;
}

async function httpWorks(running: Gateway, alpn: string | undefined): Promise<boolean> {
  const socket = await openTls(running, { alpn });
  socket.write("GET /healthz HTTP/1.1\r\nhost: relay.test\r\nconnection: close\r\n\r\n");
  const reply = await textReply(socket);
  socket.destroy();
  return reply.startsWith("HTTP/1.1 200 ");
}

function openTcp(port: number): Promise<Socket> {
  return opened(connectTcp({ host: "127.0.0.1", port }), "connect");
}

function openTls(
  { ports, authority }: Gateway,
  { port = ports.tls, alpn }: { port?: number; alpn?: string | undefined },
): Promise<Socket> {
  const ALPNProtocols = alpn === undefined ? {} : { ALPNProtocols: [alpn] };
  return opened(
    connectTls({ host: "127.0.0.1", port, ca: authority.pem, servername: HOSTNAME, ...ALPNProtocols }),
    "secureConnect",
  );
}

function opened<T extends Socket>(socket: T, event: string): Promise<T> {
  socket.setNoDelay(true);
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once(event, () => {
      socket.off("error", reject);
      socket.on("error", () => socket.destroy());
      resolve(socket);
    });
  });
}

function binding(): Uint8Array {
  return new MessageBuilder(METHOD.binding, CLASS.request, randomBytes(12)).add(ATTRIBUTE.software, "a test").build();
}

/** The next message; `undefined` for anything else. */
async function stunReply(socket: Socket): Promise<Message | undefined> {
  const bytes = await collect(socket, (came) => came.length >= 20 && came.length >= 20 + (came[2] ?? 0) * 256 + (came[3] ?? 0));
  return Message.decode(new Uint8Array(bytes));
}

/** Everything until the server closes, or the head of an answer. */
async function textReply(socket: Socket): Promise<string> {
  return new TextDecoder().decode(await collect(socket, (came) => new TextDecoder().decode(came).includes("\r\n\r\n")));
}

function collect(socket: Socket, isWhole: (came: Uint8Array) => boolean): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let came: Uint8Array = new Uint8Array(0);
    const finish = (): void => {
      clearTimeout(timer);
      socket.off("data", add);
      socket.off("close", finish);
      resolve(came);
    };
    const timer = setTimeout(
      () => reject(new Error(`No whole reply within ${REPLY_MS} ms, only ${came.length} octets`)),
      REPLY_MS,
    );
    const add = (piece: Uint8Array): void => {
      came = concat(came, piece);
      if (isWhole(came)) finish();
    };
    socket.on("data", add);
    socket.on("close", finish);
  });
}

function assertAnswers(reply: Message | undefined, request: Uint8Array): void {
  assert.equal(reply?.class, CLASS.success);
  assert.deepEqual(new Uint8Array(reply?.transactionId ?? []), request.subarray(8, 20));
}
