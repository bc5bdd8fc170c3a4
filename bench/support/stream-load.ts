import { randomBytes } from "node:crypto";
import type { Answer, ClientInput, TurnRequest } from "../../src/client/dialogue.ts";
import { type Line, openLine } from "../../src/client/line.ts";
import { TurnClient } from "../../src/client/turn-client.ts";
import { BatchPlane } from "../../src/dataplane/batch/plane.ts";
import type { Libc } from "../../src/dataplane/libc.ts";
import type { Packet, PlaneHandler } from "../../src/dataplane/plane.ts";
import { openUdpListener, socketName } from "../../src/dataplane/socket.ts";
import { readUint16 } from "../../src/lib/bytes.ts";
import { randomFrom } from "../../src/lib/random.ts";
import { parseAddress, type TransportAddress } from "../../src/net/address.ts";
import { SocketAddress } from "../../src/net/socket-address.ts";
import { CHANNEL_HEADER_BYTES, isChannelNumber, writeChannelHeader } from "../../src/stun/channel-data.ts";
import { type Credentials, type Direction, type Load, RoundTrips } from "./load.ts";

const CHANNEL = 0x4000;
const PEER = 0;
/** Clients that ask at the same time. */
const AT_ONCE = 64;
const CONNECT_MS = 10_000;
/** Frames of one write. */
const MOST_FRAMES = 64;
const anywhere = parseAddress("127.0.0.1:0");
const random = randomFrom((count) => randomBytes(count));

/** What a load over TCP or TLS is like. */
export interface StreamLoadOptions {
  readonly transport: "tcp" | "tls";
  readonly server: TransportAddress;
  readonly clients: number;
  readonly credentialsOf: (client: number) => Credentials;
  /** Octets of each datagram as the peer sees it, 8 or more. */
  readonly payload: number;
}

/** One connection. */
interface Client {
  readonly turn: TurnClient;
  readonly relayed: SocketAddress;
  line: Line | undefined;
  answer: ((answer: Answer) => void) | undefined;
  /** Frames that wait for the next turn. */
  waiting: number;
}

/** TURN clients over TCP or TLS on the sockets of the runtime, each with a channel to one peer, which is everybody's. */
export class StreamLoad implements Load, PlaneHandler {
  delivered = 0;
  readonly roundTrips = new RoundTrips();
  readonly #options: StreamLoadOptions;
  readonly #plane: BatchPlane;
  readonly #peer: TransportAddress;
  readonly #clients: Client[] = [];
  readonly #busy: Client[] = [];
  readonly #frames: Uint8Array;
  readonly #frameBytes: number;
  #echoes = false;
  #arrived = 0;

  /** Connects and allocates. @throws {Error} if a request is refused or not answered */
  static async open(libc: Libc, options: StreamLoadOptions): Promise<StreamLoad> {
    const load = new StreamLoad(libc, options);
    for (let first = 0; first < options.clients; first += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, options.clients - first) }, (_, i) => load.#join(first + i));
      await Promise.all(batch);
    }
    return load;
  }

  private constructor(libc: Libc, options: StreamLoadOptions) {
    const descriptor = openUdpListener(libc, anywhere, { receiveBufferBytes: 8_000_000 });
    this.#options = options;
    this.#peer = socketName(libc, descriptor);
    this.#plane = new BatchPlane(libc, { listeners: [{ descriptor, address: this.#peer }], segmentation: false }, this);
    this.#frameBytes = CHANNEL_HEADER_BYTES + ((options.payload + 3) & ~3);
    this.#frames = new Uint8Array(MOST_FRAMES * this.#frameBytes);
    for (let i = 0; i < MOST_FRAMES; i++) writeChannelHeader(this.#frames, i * this.#frameBytes, CHANNEL, options.payload);
  }

  get clients(): number {
    return this.#clients.length;
  }

  send(client: number, direction: Direction): void {
    const sender = this.#clients[client];
    if (sender === undefined) throw new RangeError(`There is no client ${client}`);
    this.#echoes = direction === "echo";
    if (direction === "to-client") {
      this.#plane.sendToClient(PEER, 0, sender.relayed, this.#frames, CHANNEL_HEADER_BYTES, this.#options.payload);
    } else {
      if (sender.waiting === 0) this.#busy.push(sender);
      sender.waiting++;
    }
  }

  async turn(): Promise<void> {
    for (const client of this.#busy) this.#flush(client);
    this.#busy.length = 0;
    // A turn takes a few dozen datagrams of a socket: all that wait, lest the peer be what loses them.
    for (let before = -1; before !== this.#arrived; ) {
      before = this.#arrived;
      this.#plane.turn(0);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  #flush(client: Client): void {
    if (this.#echoes) this.#stamp();
    for (; client.waiting > 0; client.waiting -= Math.min(client.waiting, MOST_FRAMES)) {
      // A copy: the socket keeps what it cannot write at once.
      client.line?.send(this.#frames.slice(0, Math.min(client.waiting, MOST_FRAMES) * this.#frameBytes));
    }
  }

  #stamp(): void {
    const view = new DataView(this.#frames.buffer);
    const now = performance.now();
    for (let i = 0; i < MOST_FRAMES; i++) view.setFloat64(i * this.#frameBytes + CHANNEL_HEADER_BYTES, now);
  }

  /** At the peer. */
  fromClient({ from, bytes, offset, length }: Packet): void {
    this.#arrived++;
    if (this.#echoes) this.#plane.sendToClient(PEER, 0, from, bytes, offset, length);
    else this.delivered++;
  }

  fromPeer(): void {}

  peerUnreachable(): void {}

  turnEnds(): void {}

  async close(): Promise<void> {
    for (const { line } of this.#clients) line?.close();
    this.#plane.close();
  }

  async #join(index: number): Promise<void> {
    const { server, transport, credentialsOf } = this.#options;
    const turn = new TurnClient({ transport: "stream", credentials: credentialsOf(index), random });
    const client: Client = { turn, relayed: new SocketAddress(), line: undefined, answer: undefined, waiting: 0 };
    this.#clients[index] = client;
    client.line = await openLine(
      { transport, server, connectTimeoutMs: CONNECT_MS, tls: { verify: false } },
      { frame: (bytes) => this.#frame(client, bytes), lost: (reason) => this.#lost(reason) },
    );
    const { relayedAddresses } = await this.#ask(client, { kind: "allocate" });
    if (relayedAddresses[0] === undefined) throw new Error("An allocation has no relayed address");
    client.relayed.assign(relayedAddresses[0]);
    await this.#ask(client, { kind: "channelBind", channel: CHANNEL, peer: this.#peer });
  }

  async #ask(client: Client, request: TurnRequest): Promise<Answer & { readonly kind: "success" }> {
    const answer = await new Promise<Answer>((resolve) => {
      client.answer = resolve;
      this.#step(client, { kind: "ask", id: 0, request });
    });
    if (answer.kind !== "success") throw new Error(`A client was answered ${JSON.stringify(answer)}`);
    return answer;
  }

  #frame(client: Client, bytes: Uint8Array): void {
    if (!isChannelNumber(readUint16(bytes, 0))) return this.#step(client, { kind: "received", bytes });
    this.delivered++;
    if (!this.#echoes) return;
    const sent = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(CHANNEL_HEADER_BYTES);
    this.roundTrips.add(performance.now() - sent);
  }

  #step(client: Client, input: ClientInput): void {
    for (const output of client.turn.handle(input, performance.now())) {
      if (output.kind === "transmit") client.line?.send(output.bytes);
      else if (output.kind === "answer") client.answer?.(output.answer);
    }
  }

  #lost(reason: string): void {
    throw new Error(`A connection was lost: ${reason}`);
  }
}
