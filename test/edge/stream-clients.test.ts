import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import type { Packet, Staging } from "../../src/dataplane/plane.ts";
import { Admission } from "../../src/edge/admission.ts";
import { StreamClients, type StreamClientsOptions } from "../../src/edge/stream-clients.ts";
import { concat, fromHex, toHex } from "../../src/lib/bytes.ts";
import { type FiveTuple, formatAddress, parseAddress } from "../../src/net/address.ts";
import { SocketAddress } from "../../src/net/socket-address.ts";
import { numberedMedia, numbersOf, socketPair, type TestClient, until } from "./support.ts";

const BINDING = fromHex("0001 0000 2112a442 000102030405060708090a0b");
const CHANNEL_DATA = fromHex("4001 0005 0102030405");
const PADDED = concat(CHANNEL_DATA, new Uint8Array(3));
const PATIENT: StreamClientsOptions = { maxBacklogBytes: 262_144, hopelessBacklogBytes: 1_048_576, idleMs: 60_000 };

/** Memory that is used again, for anything, as soon as it may be; with room for so many octets in a turn. */
class ShortStaging implements Staging {
  readonly bytes: Uint8Array;
  readonly put: Staging["put"];

  constructor(room: number) {
    this.bytes = new Uint8Array(room + 7);
    this.put = (octets) => {
      if (octets.length > room) return -1;
      this.bytes.set(octets, 7);
      queueMicrotask(() => this.bytes.fill(0xff));
      return 7;
    };
  }
}

/** Clients whose packets are kept as they came, and answered by `answer` if there is one. */
class World {
  readonly packets: { connection: number; hex: string }[] = [];
  readonly closed: FiveTuple[] = [];
  readonly clients: StreamClients;
  answer: (packet: Packet) => void = () => {};

  constructor(options: Partial<StreamClientsOptions> = {}) {
    this.clients = new StreamClients(
      { ...PATIENT, ...options },
      {
        fromClient: (packet) => {
          const { bytes, offset, length, socket } = packet;
          this.packets.push({ connection: socket, hex: toHex(bytes.subarray(offset, offset + length)) });
          this.answer(packet);
        },
        clientClosed: (from) => this.closed.push(from),
      },
    );
  }

  /** A client that is connected and adopted. */
  async connect(head?: Uint8Array): Promise<TestClient> {
    const { ours, client } = await socketPair();
    this.clients.adopt(ours, "tcp", head);
    return client;
  }

  send(connection: number, bytes: Uint8Array): void {
    this.clients.sendToClient(connection, 0, new SocketAddress(), bytes, 0, bytes.length);
  }
}

describe("StreamClients, raw", () => {
  for (const staging of [undefined, new ShortStaging(200)]) {
    const where = staging === undefined ? "where it was" : "where it was, though its memory was used again,";
    test(`a held connection is not read, and goes on ${where} when it is released`, async () => {
      const world = new World({ staging });
      world.answer = ({ socket }) => world.clients.hold(socket);
      const client = await world.connect();
      client.socket.write(concat(BINDING, PADDED));
      await until(() => world.packets.length === 1, "the first frame");
      client.socket.write(BINDING);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(world.packets.length, 1);
      world.answer = () => {};
      world.clients.release(world.packets[0]?.connection ?? 0);
      await until(() => world.packets.length === 3, "the other two");
      assert.deepEqual(
        world.packets.map(({ hex }) => hex),
        [BINDING, CHANNEL_DATA, BINDING].map(toHex),
      );
    });
  }

  test("a connection that is given away has what was read of it and is no frame, after what was sent", async () => {
    const world = new World();
    const raw: { socket?: Socket; text: string } = { text: "" };
    world.answer = ({ socket: connection }) => {
      world.send(connection, BINDING);
      const given = world.clients.detach(connection);
      assert.ok(given);
      raw.socket = given.socket;
      raw.text = new TextDecoder().decode(given.head);
      given.socket.on("data", (bytes) => {
        raw.text += bytes;
      });
      given.socket.resume();
    };
    const client = await world.connect();
    client.socket.write(concat(BINDING, new TextEncoder().encode("Hello, ")));
    await until(() => raw.socket !== undefined, "the frame");
    client.socket.write("peer");
    await until(() => raw.text === "Hello, peer", "all of it, in order");
    raw.socket?.end("and you");
    await until(() => client.received.length === BINDING.length + 7, "the answer, and what is raw");
    assert.equal(world.clients.count, 0);
    client.socket.destroy();
    await until(() => raw.socket?.destroyed === true, "the end");
    assert.deepEqual(world.closed, [], "nobody is told");
  });
});

describe("StreamClients, from clients", () => {
  test("frames come whole, without padding, wherever the stream is cut", async () => {
    const stream = concat(BINDING, PADDED, BINDING, PADDED);
    const expected = [BINDING, CHANNEL_DATA, BINDING, CHANNEL_DATA].map(toHex);
    for (const place of [1, 3, 4, 7, 8, 19, 20, 21, 24, 29, 31, 32, 51]) {
      const world = new World();
      const client = await world.connect(stream.subarray(0, place));
      client.socket.write(stream.subarray(place));
      await until(() => world.packets.length === 4, `four frames, cut at ${place}`);
      assert.deepEqual(
        world.packets.map(({ hex }) => hex),
        expected,
      );
      client.socket.destroy();
    }
    const world = new World();
    const client = await world.connect();
    await client.trickle(stream);
    await until(() => world.packets.length === 4, "four frames, one octet a segment");
    assert.deepEqual(
      world.packets.map(({ hex }) => hex),
      expected,
    );
    client.socket.destroy();
  });

  test("what fits the staging is shown there, what does not where it is", async () => {
    const staging = new ShortStaging(30);
    const world = new World({ staging });
    const staged: boolean[] = [];
    world.answer = ({ bytes }) => void staged.push(bytes === staging.bytes);
    const client = await world.connect();
    for (const stream of [PADDED, concat(PADDED, PADDED, PADDED), PADDED]) {
      const before = staged.length;
      client.socket.write(stream);
      await until(() => staged.length === before + stream.length / PADDED.length, "all frames");
    }
    assert.deepEqual(staged, [true, false, false, false, true]);
    assert.deepEqual(new Set(world.packets.map(({ hex }) => hex)), new Set([toHex(CHANNEL_DATA)]));
  });

  test("each connection has its number, and knows both its ends", async () => {
    const world = new World();
    const seen: FiveTuple[] = [];
    world.answer = (packet) => seen.push(world.clients.fiveTuple(packet));
    const one = await world.connect(BINDING);
    const two = await world.connect(BINDING);
    assert.deepEqual(
      world.packets.map(({ connection }) => connection),
      [1, 2],
    );
    for (const [i, client] of [one, two].entries()) {
      const from = seen[i];
      assert.ok(from);
      assert.equal(formatAddress(from.client), `127.0.0.1:${client.socket.localPort}`);
      assert.equal(formatAddress(from.server), `127.0.0.1:${client.socket.remotePort}`);
      assert.deepEqual([from.transport, from.socket, from.local], ["tcp", i + 1, 0]);
      client.socket.destroy();
    }
    await until(() => world.closed.length === 2, "both are told to be closed");
    assert.equal(world.clients.count, 0);
  });

  test("the client that a visit names is the client, and its end is the visit's", async () => {
    const world = new World();
    const admission = new Admission();
    const visit = admission.admit(parseAddress("198.51.100.9:7"), parseAddress("192.0.2.1:443"));
    const { ours, client } = await socketPair();
    world.answer = (packet) => assert.equal(formatAddress(world.clients.fiveTuple(packet).client), "198.51.100.9:7");
    world.clients.adopt(ours, "tls", BINDING, visit);
    assert.equal(world.packets.length, 1);
    world.clients.allocated(1, true);
    assert.deepEqual([admission.connections, admission.addresses], [1, 0]);
    client.socket.destroy();
    await until(() => admission.connections === 0, "the visit ends");
  });

  test("a stream that has lost its step is closed", async () => {
    const world = new World();
    const client = await world.connect();
    client.socket.write(concat(BINDING, fromHex("ffffffffffffffffffffffff")));
    await until(() => client.ended, "the end");
    client.socket.end();
    await until(() => world.closed.length === 1, "the client is told to be closed");
    assert.equal(world.packets.length, 1);
    assert.equal(world.clients.counters.broken, 1);
  });

  test("a reset tells once", async () => {
    const world = new World();
    const client = await world.connect(BINDING);
    client.socket.resetAndDestroy();
    await until(() => world.closed.length === 1, "the client is told to be closed");
    world.clients.close(1);
    world.clients.allocated(1, false);
    await until(() => client.closed, "the client's side is closed");
    assert.equal(world.closed.length, 1);
  });

  test("a client that ends is answered first, then closed", async () => {
    const world = new World();
    world.answer = (packet) => world.send(packet.socket, BINDING);
    const client = await world.connect();
    client.socket.end(BINDING);
    await until(() => client.closed, "the close");
    assert.equal(toHex(client.received), toHex(BINDING));
    await until(() => world.closed.length === 1, "the client is told to be closed");
  });
});

describe("StreamClients, to clients", () => {
  test("what is sent in one turn leaves in order, in one write, padded", async () => {
    const world = new World();
    const { ours, client } = await socketPair();
    let writes = 0;
    const write = ours.write.bind(ours);
    ours.write = (bytes: Uint8Array) => {
      writes += 1;
      return write(bytes);
    };
    world.clients.adopt(ours, "tcp");
    for (let i = 0; i < 500; i++) {
      world.send(1, BINDING);
      world.send(1, CHANNEL_DATA);
    }
    assert.equal(writes, 0);
    world.clients.flush();
    world.clients.flush();
    assert.equal(writes, 1);
    const expected = toHex(concat(...Array.from({ length: 500 }, () => concat(BINDING, PADDED))));
    await until(() => client.received.length === expected.length / 2, "all of it");
    assert.equal(toHex(client.received), expected);
    client.socket.destroy();
  });

  test("what nobody flushes leaves by itself, and memory may be used again at once", async () => {
    const world = new World();
    const client = await world.connect();
    const memory = BINDING.slice();
    world.send(1, memory);
    memory.fill(0xff);
    await until(() => client.received.length === BINDING.length, "the answer");
    assert.equal(toHex(client.received), toHex(BINDING));
    client.socket.destroy();
  });

  test("close() comes after what was sent", async () => {
    const world = new World();
    const client = await world.connect();
    world.send(1, BINDING);
    world.clients.close(1);
    world.send(1, BINDING);
    await until(() => client.closed, "the close");
    assert.equal(client.received.length, BINDING.length);
    await until(() => world.closed.length === 1, "the client is told to be closed");
  });

  test("datagrams to a client that does not read are dropped, answers come through when it does", async () => {
    const world = new World({ maxBacklogBytes: 65_536 });
    const client = await world.connect();
    client.socket.pause();
    let sent = 0;
    await until(() => {
      for (let i = 0; i < 50; i++) world.send(1, numberedMedia(++sent));
      return world.clients.counters.droppedDatagrams > 1000;
    }, "drops");
    world.send(1, BINDING);
    client.socket.resume();
    await until(() => toHex(client.received.subarray(-20)) === toHex(BINDING), "the answer");
    assert.deepEqual(
      numbersOf(client.received.subarray(0, -20)).filter((number, i, all) => number <= (all[i - 1] ?? 0)),
      [],
    );
    client.socket.destroy();
    await until(() => world.closed.length === 1, "the client is told to be closed");
  });

  test("a client that asks and never reads is closed before its answers fill the memory", async () => {
    const world = new World({ maxBacklogBytes: 16_384, hopelessBacklogBytes: 65_536 });
    const client = await world.connect();
    client.socket.pause();
    await until(() => {
      for (let i = 0; i < 1000; i++) world.send(1, BINDING);
      return world.closed.length === 1;
    }, "the client is closed");
    assert.equal(world.clients.counters.hopeless, 1);
    client.socket.destroy();
  });
});

describe("StreamClients, deadlines", () => {
  test("a connection without an allocation goes, one with an allocation stays until that ends", async () => {
    const world = new World({ idleMs: 60 });
    const idle = await world.connect();
    const busy = await world.connect();
    world.clients.allocated(2, true);
    await until(() => idle.closed, "the idle one is closed");
    await until(() => world.closed.length === 1, "and told to be");
    await new Promise((resolve) => setTimeout(resolve, 120));
    assert.equal(busy.closed, false);
    world.clients.allocated(2, false);
    await until(() => busy.closed, "the other one too");
    assert.equal(world.clients.counters.idle, 2);
  });

  test("every answer gives it the same time again", async () => {
    const world = new World({ idleMs: 150 });
    const client = await world.connect();
    const start = performance.now();
    for (let i = 0; i < 6; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      world.send(1, BINDING);
    }
    await until(() => client.closed, "the close");
    assert.ok(performance.now() - start >= 400);
    assert.equal(client.received.length, 6 * BINDING.length);
  });
});
