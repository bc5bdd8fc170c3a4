import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { describe, test } from "node:test";
import type { Probe } from "../../src/client/probe.ts";
import { type Transport, type TransportAddress, parseAddress } from "../../src/net/address.ts";
import { type Gateway, type Minted, startGateway } from "../support/gateway.ts";
import { needs } from "../support/needs.ts";
import { shared, UNHURRIED, until } from "../support/shared.ts";
import { uclient } from "../support/uclient.ts";

const ALLOWED = { relay: { tcp: true, peers: { allow: ["127.0.0.0/8"] } } };
const BIG = 3_000_000;

/** TCP allocations (RFC 6062), with peers that are ordinary TCP programs. */
describe("TCP allocations", () => {
  const gateway = shared(() => startGateway({ settings: ALLOWED }));

  for (const control of ["tcp", "tls"] as const) {
    for (const data of ["tcp", "tls"] as const) {
      test(`control over ${control}, data over ${data}: octets pass both ways, whatever the thread`, UNHURRIED, async () => {
        const running = await gateway();
        const credentials = await running.mint({ label: `${control}-${data}` });
        const peer = await echoServer();
        // The kernel spreads connections over the threads: of eight pairs hardly all are on one.
        for (let i = 0; i < 8; i++) {
          const { probe } = await allocateTcp(running, control, credentials);
          const { connection } = await probe.must({ kind: "connect", peer: peer.address });
          const stream = await bind(running, data, credentials, connection);
          stream.write("ping");
          assert.equal(await heard(stream, 4), "ping");
          stream.end();
          await once(stream, "close");
          probe.close();
        }
        peer.server.close();
      });
    }
  }

  test("what a connection carried is in the metrics when it ends, be it after its allocation", UNHURRIED, async () => {
    const running = await startGateway({ settings: ALLOWED });
    const credentials = await running.mint({ label: "counted" });
    const peer = await echoServer();
    for (const [ends, octets] of [
      ["the connection", 4],
      ["the allocation", 8],
    ] as const) {
      const { probe } = await allocateTcp(running, "tcp", credentials);
      const { connection } = await probe.must({ kind: "connect", peer: peer.address });
      const stream = await bind(running, "tls", credentials, connection);
      stream.write("ping");
      assert.equal(await heard(stream, 4), "ping");
      const closed = once(stream, "close");
      if (ends === "the connection") stream.end();
      else probe.close();
      await closed;
      await until(
        async () => {
          const { text } = await running.ask({ path: "/metrics", over: "metrics" });
          const found = [...text.matchAll(/^icebreaker_relayed_octets_total\{.*\} (\d+)$/gm)].map(([, value]) => Number(value));
          return found.every((value) => value === octets) && found.length === 2;
        },
        5000,
        `${octets} octets each way`,
      );
      probe.close();
    }
    peer.server.close();
    await running.stop();
  });

  test("megabytes pass intact, each side as slow as the other, and half-closing goes through", UNHURRIED, async () => {
    const running = await gateway();
    const credentials = await running.mint({ label: "big" });
    const sent = crypto.getRandomValues(new Uint8Array(60_000));
    const answer = Buffer.concat(Array.from({ length: BIG / sent.length }, () => sent)).reverse();
    const digest = createHash("sha256");
    // The peer says nothing until all has come: it has to learn that the client has ended.
    const peer = await peerServer((socket) => {
      socket.on("data", (bytes) => {
        digest.update(bytes);
        socket.pause();
        setTimeout(() => socket.resume(), 1);
      });
      socket.on("end", () => socket.end(answer));
    });
    const { probe } = await allocateTcp(running, "tls", credentials);
    const { connection } = await probe.must({ kind: "connect", peer: peer.address });
    const stream = await bind(running, "tls", credentials, connection);
    const expected = createHash("sha256");
    for (let i = 0; i < BIG / sent.length; i++) {
      expected.update(sent);
      if (!stream.write(sent)) await once(stream, "drain");
    }
    stream.end();
    await once(stream, "end");
    assert.equal(digest.digest("hex"), expected.digest("hex"));
    const back = Buffer.concat(heardOf(stream));
    assert.equal(back.length, answer.length);
    assert.equal(Buffer.compare(back, answer), 0);
    probe.close();
    peer.server.close();
  });

  test("a permitted peer's connection is told of and bound; what it said before is not lost", UNHURRIED, async () => {
    const running = await gateway();
    const credentials = await running.mint({ label: "incoming" });
    const { probe, relayed } = await allocateTcp(running, "tcp", credentials);
    const stranger = connect({ port: relayed.port, host: "127.0.0.1" });
    stranger.on("error", () => {});
    await once(stranger, "close");
    assert.deepEqual(probe.takeAttempts(), [], "nobody is permitted yet");

    await probe.must({ kind: "createPermission", peers: [parseAddress("127.0.0.1:1")] });
    const peer = connect({ port: relayed.port, host: "127.0.0.1" });
    peer.write("hello before anybody listens");
    listen(peer);
    const stream = await bind(running, "tls", credentials, await attemptTold(probe));
    assert.equal(await heard(stream, 28), "hello before anybody listens");
    stream.write("welcome");
    assert.equal(await heard(peer, 7), "welcome");
    peer.destroy();
    await once(stream, "close");
    probe.close();
  });

  test("what a peer says at once is kept until the client binds the connection", UNHURRIED, async () => {
    const running = await gateway();
    const credentials = await running.mint({ label: "greeting" });
    const peer = await peerServer((socket) => socket.write("220 ready"));
    const { probe } = await allocateTcp(running, "tls", credentials);
    const { connection } = await probe.must({ kind: "connect", peer: peer.address });
    await probe.must({ kind: "refresh" }); // some time passes
    const stream = await bind(running, "tcp", credentials, connection);
    assert.equal(await heard(stream, 9), "220 ready");
    probe.close();
    peer.server.close();
  });

  test("447 where nobody listens, 446 for a second, 403 for a denied peer, 400 for an unknown id", UNHURRIED, async () => {
    const running = await gateway();
    const credentials = await running.mint({ label: "codes" });
    const { probe } = await allocateTcp(running, "tcp", credentials);
    const code = async (asked: Parameters<Probe["ask"]>[0], by = probe): Promise<number | string> => {
      const answer = await by.ask(asked);
      return answer.kind === "refused" ? answer.code : answer.kind;
    };
    assert.equal(await code({ kind: "connect", peer: parseAddress("127.0.0.1:1") }), 447);
    assert.equal(await code({ kind: "connect", peer: parseAddress("10.0.0.1:80") }), 403);
    const peer = await echoServer();
    assert.equal(await code({ kind: "connect", peer: peer.address }), "success");
    assert.equal(await code({ kind: "connect", peer: peer.address }), 446);
    const data = await running.probe("tls", { credentials });
    assert.equal(await code({ kind: "connectionBind", connection: 12345 }, data), 400);
    assert.equal(await code({ kind: "allocate" }, data), "success", "it may go on as a client");
    const udp = await running.probe("udp", { credentials });
    assert.equal(await code({ kind: "allocate", tcp: true }, udp), 400);
    for (const each of [probe, data, udp]) each.close();
    peer.server.close();
  });

  test("when the control connection closes, or the credential is revoked, the data connections do", UNHURRIED, async () => {
    const running = await gateway();
    const peer = await echoServer();
    for (const end of ["close", "revoke"] as const) {
      const credentials = await running.mint({ label: `end-${end}` });
      const { probe } = await allocateTcp(running, "tls", credentials);
      const { connection } = await probe.must({ kind: "connect", peer: peer.address });
      const stream = await bind(running, "tcp", credentials, connection);
      stream.write("x");
      await heard(stream, 1);
      const closed = once(stream, "close");
      if (end === "close") probe.close();
      else await running.run("revoke", credentials.username, "--yes");
      await closed;
      probe.close();
    }
    peer.server.close();
  });

  test("two TCP allocations of the gateway reach each other", UNHURRIED, async () => {
    const running = await gateway();
    const credentials = await running.mint({ label: "both" });
    const [one, other] = [await allocateTcp(running, "tls", credentials), await allocateTcp(running, "tcp", credentials)];
    await other.probe.must({ kind: "createPermission", peers: [one.relayed] });
    const { connection } = await one.probe.must({ kind: "connect", peer: other.relayed });
    const attempt = await attemptTold(other.probe);
    const [here, there] = [await bind(running, "tcp", credentials, connection), await bind(running, "tls", credentials, attempt)];
    here.write("over two relays");
    assert.equal(await heard(there, 15), "over two relays");
    for (const { probe } of [one, other]) probe.close();
  });

  test("limits.bandwidth_per_allocation holds for its streams together, each way", UNHURRIED, async () => {
    const perSecond = 500_000;
    const slow = await startGateway({ settings: { ...ALLOWED, limits: { bandwidth_per_allocation: perSecond } } });
    const credentials = await slow.mint();
    const peer = await echoServer();
    const { probe } = await allocateTcp(slow, "tcp", credentials);
    const { connection } = await probe.must({ kind: "connect", peer: peer.address });
    const stream = await bind(slow, "tls", credentials, connection);
    const octets = 1_500_000;
    const begun = performance.now();
    stream.write(new Uint8Array(octets));
    await heard(stream, octets);
    const seconds = (performance.now() - begun) / 1000;
    assert.ok(seconds > (0.8 * octets) / perSecond && seconds < (1.5 * octets) / perSecond, `${octets} in ${seconds} s`);
    probe.close();
    peer.server.close();
    await slow.stop();
  });

  test("no descriptor is left behind", UNHURRIED, async () => {
    const running = await startGateway({ settings: ALLOWED });
    const credentials = await running.mint();
    const count = async (): Promise<number> => (await readdir(`/proc/${running.child.process.pid}/fd`)).length;
    const peer = await echoServer();
    const before = await count();
    for (let i = 0; i < 20; i++) {
      const { probe } = await allocateTcp(running, i % 2 === 0 ? "tls" : "tcp", credentials);
      const { connection } = await probe.must({ kind: "connect", peer: peer.address });
      if (i % 3 > 0) {
        const stream = await bind(running, "tcp", credentials, connection);
        if (i % 3 === 1) stream.destroy();
      }
      probe.close();
    }
    await until(async () => (await count()) <= before, 5000, `As few descriptors as the ${before} before`);
    peer.server.close();
    await running.stop();
  });
});

interface Peer {
  readonly server: Server;
  readonly address: TransportAddress;
}

function echoServer(): Promise<Peer> {
  return peerServer((socket) => void socket.pipe(socket));
}

async function peerServer(serve: (socket: Socket) => void): Promise<Peer> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  assert.ok(typeof bound === "object" && bound !== null);
  return { server, address: parseAddress(`127.0.0.1:${bound.port}`) };
}

async function allocateTcp(
  gateway: Gateway,
  transport: Transport,
  credentials: Minted,
): Promise<{ readonly probe: Probe; readonly relayed: TransportAddress }> {
  const probe = await gateway.probe(transport, { credentials });
  const [relayed] = (await probe.must({ kind: "allocate", tcp: true, family: 4 })).relayedAddresses;
  assert.ok(relayed);
  return { probe, relayed };
}

/** The CONNECTION-ID of the next ConnectionAttempt. */
async function attemptTold(probe: Probe): Promise<number | undefined> {
  const told: number[] = [];
  const look = (): boolean => told.push(...probe.takeAttempts().map(({ connection }) => connection)) > 0;
  await until(look, 5000, "A ConnectionAttempt");
  return told[0];
}

/** A new connection that becomes the data connection. */
async function bind(
  gateway: Gateway,
  transport: Transport,
  credentials: Minted,
  connection: number | undefined,
): Promise<Socket> {
  assert.ok(connection !== undefined);
  const probe = await gateway.probe(transport, { credentials });
  await probe.must({ kind: "connectionBind", connection });
  const { socket, head } = probe.detach();
  socket.on("error", () => {});
  listen(socket).push(Buffer.from(head));
  socket.resume();
  return socket;
}

const heardBy = new WeakMap<Socket, Buffer[]>();

/** Keeps what a stream says. */
function listen(stream: Socket): Buffer[] {
  const pieces: Buffer[] = [];
  heardBy.set(stream, pieces);
  stream.on("data", (bytes: Uint8Array) => pieces.push(Buffer.from(bytes)));
  return pieces;
}

function heardOf(stream: Socket): Buffer[] {
  return heardBy.get(stream) ?? [];
}

/** What a stream has said since the last time, once it is so long, as text. */
async function heard(stream: Socket, length: number): Promise<string> {
  const pieces = heardOf(stream);
  await until(() => Buffer.concat(pieces).length >= length, 10_000, `${length} octets`);
  return Buffer.concat(pieces.splice(0)).toString();
}

describe("turnutils_uclient", { skip: needs("turnutils_uclient") }, () => {
  const gateway = shared(() => startGateway({ settings: ALLOWED }));

  for (const transport of ["tcp", "tls"] as const) {
    test(`a TCP allocation over ${transport} talks to a TCP peer`, UNHURRIED, async () => {
      const running = await gateway();
      const { username, credential } = await running.mint({ label: transport });
      const { server, address } = await echoServer();
      const peer = { host: "127.0.0.1", port: address.port };
      const wishes = { transport, host: "127.0.0.1", port: running.ports[transport], username, credential, peer };
      const totals = await uclient({ ...wishes, tcpRelay: true, clients: 1, messages: 40 });
      assert.ok(totals.received > 30 && totals.sent >= totals.received, JSON.stringify(totals));
      server.close();
    });
  }
});
