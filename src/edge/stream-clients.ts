import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import type { ClientSide, Packet, Staging } from "../dataplane/plane.ts";
import { assert } from "../lib/assert.ts";
import { readUint16 } from "../lib/bytes.ts";
import type { FiveTuple } from "../net/address.ts";
import { SocketAddress } from "../net/socket-address.ts";
import { Framer } from "../stun/framing.ts";
import type { Visit } from "./admission.ts";
import { readDirectly } from "./direct-reads.ts";
import { type Ends, endsOf } from "./ends.ts";

/** How patient we are with a stream client. */
export interface StreamClientsOptions {
  /** Octets waiting for one client above which datagrams to it are dropped: late media is lost media. */
  readonly maxBacklogBytes: number;
  /** Octets waiting for one client above which even answers pile up in vain, and the connection is closed. */
  readonly hopelessBacklogBytes: number;
  /** How long a connection without an allocation stays after our last answer (or after it was adopted). */
  readonly idleMs: number;
  /** Where what was read is put first, if there is room: frames that are relayed leave from there. */
  readonly staging?: Staging | undefined;
}

/** The contract's, and room for a quarter of a second of video. */
export const STREAM_CLIENTS: StreamClientsOptions = { maxBacklogBytes: 262_144, hopelessBacklogBytes: 1_048_576, idleMs: 10_000 };

/** Who thinks about what clients send. */
export interface StreamHandler {
  /** A STUN message, or ChannelData without the padding behind it; `packet.socket` is the connection's number. */
  fromClient(packet: Packet): void;
  /** The connection is closed, whoever closed it; once for each. */
  clientClosed(from: FiveTuple): void;
}

const DATA_INDICATION = 0x0017; // RFC 8656 §17
const KEEP_ALIVE_MS = 30_000;
const FIRST_GATHER_BYTES = 4_096;
/** A larger buffer was for a burst, and is given back after it. */
const KEPT_GATHER_BYTES = 65_536;

/** Clients over TCP and TLS: frames in, frames out. */
export class StreamClients implements ClientSide {
  readonly #options: StreamClientsOptions;
  readonly #handler: StreamHandler;
  readonly #clients = new Map<number, Client>();
  /** Those with frames gathered for them. */
  readonly #gathered: Client[] = [];
  #flushScheduled = false;
  #lastConnection = 0;
  /** One cursor for all: a packet is done with when `fromClient` returns. */
  readonly #packet: Packet = { bytes: new Uint8Array(0), offset: 0, length: 0, socket: 0, local: 0, from: new SocketAddress() };
  /** What happened to clients, in numbers that only ever grow. */
  readonly counters = { droppedDatagrams: 0, hopeless: 0, broken: 0, idle: 0 };

  constructor(options: StreamClientsOptions, handler: StreamHandler) {
    this.#options = options;
    this.#handler = handler;
  }

  /** Clients that are connected. */
  get count(): number {
    return this.#clients.size;
  }

  /**
   * Makes a connected socket a client; from here on it is ours to close.
   *
   * @param head octets already read from it
   * @param visit what admission knows; without it the addresses are the socket's own
   */
  adopt(socket: Socket, transport: "tcp" | "tls", head?: Uint8Array, visit?: Visit): void {
    socket.on("error", () => socket.destroy());
    const ends = visit ?? endsOf(socket);
    if (ends === undefined || socket.destroyed) {
      visit?.ends();
      socket.destroy();
      return;
    }
    this.#lastConnection += 1;
    const client = new Client(socket, fiveTupleOf(ends, transport, this.#lastConnection), visit);
    this.#clients.set(client.from.socket, client);
    client.timer = setTimeout(() => this.#timedOut(client), this.#options.idleMs);
    socket.once("close", () => this.#closed(client));
    socket.once("end", () => this.#finish(client));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    if (head !== undefined) this.#received(client, head);
    socket.on("data", (bytes: Uint8Array) => this.#received(client, bytes));
    readDirectly(socket, (bytes) => {
      if (client.finished || client.held || socket.readableLength > 0) return false;
      this.#received(client, bytes);
      return true;
    });
    socket.resume();
  }

  /** Whether a connection holds an allocation now: if not, it has {@link StreamClientsOptions.idleMs} to get one. */
  allocated(connection: number, live: boolean): void {
    const client = this.#clients.get(connection);
    if (client === undefined) return;
    client.visit?.allocated(live);
    client.allocated = live;
    if (!client.finished) this.#rearm(client);
  }

  /** Closes a connection, after what was sent to it; unknown ones are closed already. */
  close(connection: number): void {
    const client = this.#clients.get(connection);
    if (client !== undefined) this.#finish(client);
  }

  /** Reads no more from a connection, until {@link release} or {@link detach}: what comes next may be no frame. */
  hold(connection: number): void {
    const client = this.#clients.get(connection);
    if (client === undefined) return;
    client.held = true;
    client.socket.pause();
  }

  /** Goes on with a connection that was held. */
  release(connection: number): void {
    const client = this.#clients.get(connection);
    if (client === undefined || !client.held) return;
    client.held = false;
    client.socket.resume();
    this.#handOver(client);
  }

  /**
   * Gives a connection away, paused, after what was sent to it: it is none of ours any more, and nobody is told that it closes.
   *
   * @returns the socket, and what was read of it and taken by nobody; `undefined` if it is closed
   */
  detach(connection: number): { readonly socket: Socket; readonly head: Uint8Array } | undefined {
    const client = this.#clients.get(connection);
    if (client === undefined || client.finished) return undefined;
    client.write();
    client.finished = true;
    clearTimeout(client.timer);
    this.#clients.delete(connection);
    const { socket, visit } = client;
    socket.pause();
    for (const event of ["data", "end", "close"]) socket.removeAllListeners(event);
    visit?.allocated(true);
    socket.once("close", () => visit?.ends());
    return { socket, head: client.framer.takeRest() };
  }

  /** Destroys every connection: the thread ends. */
  closeAll(): void {
    for (const { socket } of this.#clients.values()) socket.destroy();
  }

  sendToClient(socket: number, _local: number, _to: SocketAddress, bytes: Uint8Array, offset: number, length: number): void {
    const client = this.#clients.get(socket);
    if (client === undefined || client.finished) return;
    const isChannelData = ((bytes[offset] ?? 0) & 0xc0) === 0x40;
    const isDatagram = isChannelData || readUint16(bytes, offset) === DATA_INDICATION;
    const backlog = client.backlog;
    if (isDatagram && backlog > this.#options.maxBacklogBytes) {
      this.counters.droppedDatagrams += 1;
      return;
    }
    if (backlog > this.#options.hopelessBacklogBytes) {
      this.counters.hopeless += 1;
      client.finished = true;
      client.socket.destroy();
      return;
    }
    if (client.gatheredBytes === 0) this.#gathered.push(client);
    client.gather(bytes, offset, length, isChannelData ? -length & 3 : 0);
    if (!client.allocated && !isDatagram) client.timer?.refresh();
    this.#scheduleFlush();
  }

  fiveTuple(packet: Packet): FiveTuple {
    const client = this.#clients.get(packet.socket);
    assert(client !== undefined, "a packet's connection is there while the packet is");
    return client.from;
  }

  /** Writes what was gathered, once for each client. */
  flush(): void {
    for (const client of this.#gathered) client.write();
    this.#gathered.length = 0;
  }

  /** For who sends outside a turn: what is gathered leaves when this turn of the event loop is over. */
  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  #received(client: Client, bytes: Uint8Array): void {
    if (client.finished) return;
    let survived = false;
    try {
      if (client.held) client.framer.push(bytes);
      else this.#take(client, bytes);
      survived = true;
    } finally {
      if (!survived) client.socket.destroy(); // an exception in a call-back would leave it open
    }
  }

  #take(client: Client, bytes: Uint8Array): void {
    const { staging } = this.#options;
    const at = staging?.put(bytes) ?? -1;
    if (staging === undefined || at < 0) client.framer.push(bytes);
    else client.framer.push(staging.bytes, at, at + bytes.length);
    this.#handOver(client);
    if (client.held) client.framer.keep();
  }

  #handOver(client: Client): void {
    const packet = this.#packet;
    for (let frame = client.framer.next(); frame !== undefined; frame = client.framer.next()) {
      packet.bytes = frame.bytes;
      packet.offset = frame.offset;
      packet.length = frame.length;
      packet.socket = client.from.socket;
      this.#handler.fromClient(packet);
      if (client.finished || client.held) return;
    }
    if (!client.framer.broken) return;
    this.counters.broken += 1;
    this.#finish(client);
  }

  /** Sends what is gathered and closes; who does not close in turn is cut off. */
  #finish(client: Client): void {
    if (client.finished) return;
    client.write();
    client.finished = true;
    client.socket.end();
    this.#rearm(client);
  }

  #rearm(client: Client): void {
    clearTimeout(client.timer);
    const patient = client.allocated && !client.finished;
    client.timer = patient ? undefined : setTimeout(() => this.#timedOut(client), this.#options.idleMs);
  }

  #timedOut(client: Client): void {
    if (!client.finished) this.counters.idle += 1;
    client.finished = true;
    client.socket.destroy();
  }

  #closed(client: Client): void {
    client.finished = true;
    clearTimeout(client.timer);
    client.visit?.ends();
    this.#clients.delete(client.from.socket);
    this.#handler.clientClosed(client.from);
  }
}

/** One connection. */
class Client {
  readonly socket: Socket;
  readonly from: FiveTuple;
  readonly visit: Visit | undefined;
  readonly framer = new Framer();
  allocated = false;
  /** Nothing is taken from it or sent to it any more. */
  finished = false;
  /** It is not read from for now. */
  held = false;
  timer: ReturnType<typeof setTimeout> | undefined;
  gatheredBytes = 0;
  #gather: Uint8Array | undefined;

  constructor(socket: Socket, from: FiveTuple, visit: Visit | undefined) {
    this.socket = socket;
    this.from = from;
    this.visit = visit;
  }

  /** Octets on their way to it. */
  get backlog(): number {
    return this.socket.writableLength + this.gatheredBytes;
  }

  /** Copies a frame behind those that wait, with zeros for padding (RFC 8656 §12.5). */
  gather(bytes: Uint8Array, offset: number, length: number, padding: number): void {
    const start = this.gatheredBytes;
    const end = start + length + padding;
    const before = this.#gather;
    let gather = before ?? new Uint8Array(Math.max(FIRST_GATHER_BYTES, end));
    if (end > gather.length) {
      gather = new Uint8Array(Math.max(2 * gather.length, end));
      if (before !== undefined) gather.set(before.subarray(0, start));
    }
    // `set` would need a view of the frame, and so make an object for each.
    Buffer.prototype.copy.call(bytes, gather, start, offset, offset + length);
    if (padding > 0) gather.fill(0, start + length, end);
    this.#gather = gather;
    this.gatheredBytes = end;
  }

  /** Gives what waits to the socket. The memory is used again only if the system has taken all of it. */
  write(): void {
    const gather = this.#gather;
    const bytes = this.gatheredBytes;
    this.gatheredBytes = 0;
    if (gather === undefined || bytes === 0 || this.finished) return;
    this.socket.write(gather.subarray(0, bytes));
    if (this.socket.writableLength > 0 || gather.length > KEPT_GATHER_BYTES) this.#gather = undefined;
  }
}

function fiveTupleOf({ client, server }: Ends, transport: "tcp" | "tls", socket: number): FiveTuple {
  return { transport, client, server, socket, local: 0 };
}
