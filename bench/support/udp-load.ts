import { randomBytes } from "node:crypto";
import type { Answer, ClientInput, TurnRequest } from "../../src/client/dialogue.ts";
import { TurnClient } from "../../src/client/turn-client.ts";
import { BatchPlane } from "../../src/dataplane/batch/plane.ts";
import type { Libc } from "../../src/dataplane/libc.ts";
import type { Packet, PlaneHandler } from "../../src/dataplane/plane.ts";
import { openRelaySocket, openUdpListener, socketName } from "../../src/dataplane/socket.ts";
import { randomFrom } from "../../src/lib/random.ts";
import { parseAddress, type TransportAddress } from "../../src/net/address.ts";
import { SocketAddress } from "../../src/net/socket-address.ts";
import { CHANNEL_HEADER_BYTES, isChannelNumber, writeChannelHeader } from "../../src/stun/channel-data.ts";
import { readUint16 } from "../../src/lib/bytes.ts";
import { type Credentials, type Direction, type Load, RoundTrips } from "./load.ts";

const CHANNEL = 0x4000;
const PEER = 0;
/** Clients that ask at the same time. */
const AT_ONCE = 64;
const SET_UP_MS = 60_000;
/** How often requests are looked at that wait for their answer. */
const LOOK_MS = 50;
const ALLOCATION_MISMATCH = 437;
const anywhere = parseAddress("127.0.0.1:0");
const random = randomFrom((count) => randomBytes(count));

/** What a load over UDP is like. */
export interface UdpLoadOptions {
  readonly server: TransportAddress;
  readonly clients: number;
  readonly credentialsOf: (client: number) => Credentials;
  /** Octets of each datagram as the peer sees it, 8 or more. */
  readonly payload: number;
  /** Whether equal datagrams leave as one message that the kernel cuts. */
  readonly segmentation: boolean;
  /** Lets the server run, where it runs on this thread. */
  readonly beside?: () => void;
}

interface Client {
  socket: number;
  turn: TurnClient;
  readonly relayed: SocketAddress;
  readonly credentials: Credentials;
}

/** TURN clients over UDP, each with a channel to one peer, which is everybody's: all on one batch plane, and no object a datagram. */
export class UdpLoad implements Load, PlaneHandler {
  delivered = 0;
  readonly roundTrips = new RoundTrips();
  readonly #libc: Libc;
  readonly #options: UdpLoadOptions;
  readonly #plane: BatchPlane;
  readonly #peer: TransportAddress;
  readonly #server: SocketAddress;
  readonly #clients: Client[] = [];
  readonly #frame: Uint8Array;
  readonly #frameTime: DataView;
  readonly #bySocket: Client[] = [];
  /** Clients with a request on its way. */
  readonly #asking = new Set<Client>();
  #received: DataView = new DataView(new ArrayBuffer(0));
  #echoes = false;

  /** Opens the sockets and allocates. @throws {Error} if a request is refused or not answered */
  constructor(libc: Libc, options: UdpLoadOptions) {
    const { server, payload, segmentation } = options;
    const descriptor = openUdpListener(libc, anywhere, { receiveBufferBytes: 8_000_000 });
    this.#libc = libc;
    this.#options = options;
    this.#peer = socketName(libc, descriptor);
    this.#server = new SocketAddress().assign(server);
    this.#plane = new BatchPlane(libc, { listeners: [{ descriptor, address: this.#peer }], segmentation }, this);
    this.#frame = new Uint8Array(CHANNEL_HEADER_BYTES + payload);
    this.#frameTime = new DataView(this.#frame.buffer, CHANNEL_HEADER_BYTES);
    writeChannelHeader(this.#frame, 0, CHANNEL, payload);
    for (let i = 0; i < options.clients; i++) {
      const client = { ...this.#newSocket(options.credentialsOf(i)), relayed: new SocketAddress() };
      this.#clients.push(client);
      this.#bySocket[client.socket] = client;
    }
    this.#askAll({ kind: "allocate" });
  }

  get clients(): number {
    return this.#clients.length;
  }

  send(client: number, direction: Direction): void {
    const { socket, relayed } = this.#clients[client] ?? {};
    if (socket === undefined || relayed === undefined) throw new RangeError(`There is no client ${client}`);
    const length = this.#frame.length;
    this.#echoes = direction === "echo";
    if (this.#echoes) this.#frameTime.setFloat64(0, performance.now());
    if (direction !== "to-client") this.#plane.sendToPeer(socket, this.#server, this.#frame, 0, length, false);
    else this.#plane.sendToClient(PEER, 0, relayed, this.#frame, CHANNEL_HEADER_BYTES, length - CHANNEL_HEADER_BYTES);
  }

  turn(timeoutMs: number): void {
    this.#plane.turn(timeoutMs);
  }

  /** At the peer. */
  fromClient({ from, bytes, offset, length }: Packet): void {
    if (this.#echoes) this.#plane.sendToClient(PEER, 0, from, bytes, offset, length);
    else this.delivered++;
  }

  /** At a client. */
  fromPeer({ socket, bytes, offset, length }: Packet): void {
    if (isChannelNumber(readUint16(bytes, offset))) {
      this.delivered++;
      if (this.#echoes) this.roundTrips.add(performance.now() - this.#timeIn(bytes, offset + CHANNEL_HEADER_BYTES));
      return;
    }
    const client = this.#bySocket[socket];
    if (client !== undefined) this.#step(client, { kind: "received", bytes: bytes.slice(offset, offset + length) });
  }

  peerUnreachable(): void {}

  turnEnds(): void {}

  async close(): Promise<void> {
    this.#askAll({ kind: "refresh", lifetimeSeconds: 0 });
    this.#plane.close();
  }

  #newSocket(credentials: Credentials): { socket: number; turn: TurnClient; credentials: Credentials } {
    const descriptor = openRelaySocket(this.#libc, anywhere);
    const socket = this.#plane.openRelay(descriptor, socketName(this.#libc, descriptor));
    return { socket, turn: new TurnClient({ transport: "udp", credentials, random }), credentials };
  }

  /** A server may still have an allocation for a port that the system gave to an earlier client: then another port must do. */
  #moveOn(client: Client): void {
    Object.assign(client, this.#newSocket(client.credentials));
    this.#bySocket[client.socket] = client;
    this.#ask(client, { kind: "allocate" });
  }

  /** Asks for every client, and waits until all have what they asked for: of an Allocate, a channel too. */
  #askAll(request: TurnRequest): void {
    const deadline = performance.now() + SET_UP_MS;
    let looked = performance.now();
    for (let next = 0; next < this.#clients.length || this.#asking.size > 0; ) {
      while (this.#asking.size < AT_ONCE && next < this.#clients.length) this.#ask(this.#clients[next++], request);
      this.turn(this.#options.beside === undefined ? 10 : 0);
      this.#options.beside?.();
      const now = performance.now();
      if (now > deadline) throw new Error(`${this.#asking.size} clients got no answer to ${request.kind}`);
      if (now < looked + LOOK_MS) continue;
      looked = now;
      for (const client of this.#asking)
        if ((client.turn.nextDeadline ?? Infinity) <= now) this.#step(client, { kind: "timeout" });
    }
  }

  #ask(client: Client | undefined, request: TurnRequest): void {
    if (client === undefined) return;
    this.#asking.add(client);
    this.#step(client, { kind: "ask", id: 0, request });
  }

  #step(client: Client, input: ClientInput): void {
    for (const output of client.turn.handle(input, performance.now())) {
      if (output.kind === "transmit")
        this.#plane.sendToPeer(client.socket, this.#server, output.bytes, 0, output.bytes.length, false);
      else if (output.kind === "answer") this.#answered(client, output.answer);
    }
  }

  #answered(client: Client, answer: Answer): void {
    if (answer.kind === "refused" && answer.code === ALLOCATION_MISMATCH) return this.#moveOn(client);
    if (answer.kind !== "success") throw new Error(`A client was answered ${JSON.stringify(answer)}`);
    this.#asking.delete(client);
    const [relayed] = answer.relayedAddresses;
    if (relayed === undefined) return;
    client.relayed.assign(relayed);
    this.#ask(client, { kind: "channelBind", channel: CHANNEL, peer: this.#peer });
  }

  #timeIn(bytes: Uint8Array, offset: number): number {
    if (this.#received.buffer !== bytes.buffer) this.#received = new DataView(bytes.buffer);
    return this.#received.getFloat64(bytes.byteOffset + offset);
  }
}
