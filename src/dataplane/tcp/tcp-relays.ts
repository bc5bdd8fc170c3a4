import { createServer, type Server, type Socket } from "node:net";
import { clearInterval, setInterval } from "node:timers";
import type { RelayId } from "../../forward/route.ts";
import type { TransportAddress } from "../../net/address.ts";
import { isIp, parseIp, unmapped } from "../../net/ip.ts";
import type { RawStreams } from "../../runtime/runtime.ts";
import { type Libc, SystemError } from "../libc.ts";
import { close, duplicate, hasConnected, openTcpConnection } from "../socket.ts";

/** Told of connections. Their descriptors are the receiver's, and nothing has been read from them. */
export interface TcpRelayHandler {
  accepted(relay: RelayId, peer: TransportAddress, descriptor: number): void;
  connected(attempt: number, descriptor: number): void;
  /** It cannot be reached. */
  failed(attempt: number): void;
}

interface Attempt {
  readonly descriptor: number;
  readonly to: TransportAddress;
}

/** Above the numbers of all datagram sockets. */
const FIRST_RELAY: RelayId = 2 ** 30;
/** How often attempts are asked how they are doing; there is no event for sockets that the system made for us. */
const LOOK_MS = 4;

/** Relayed ports that take TCP connections and make them (RFC 6062). */
export class TcpRelays {
  readonly #libc: Libc;
  readonly #streams: RawStreams;
  readonly #handler: TcpRelayHandler;
  readonly #relays = new Map<RelayId, { readonly server: Server; readonly address: TransportAddress }>();
  readonly #attempts = new Map<number, Attempt>();
  #lastRelay = FIRST_RELAY;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(libc: Libc, streams: RawStreams, handler: TcpRelayHandler) {
    this.#libc = libc;
    this.#streams = streams;
    this.#handler = handler;
  }

  /** Adopts a listening socket. */
  openRelay(descriptor: number, address: TransportAddress): RelayId {
    this.#lastRelay += 1;
    const relay = this.#lastRelay;
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => this.#accepted(relay, socket));
    server.on("error", () => {}); // one connection that could not be accepted
    server.listen({ fd: descriptor });
    this.#relays.set(relay, { server, address });
    return relay;
  }

  /** Listens no more; connections are whoever's has their descriptors. */
  closeRelay(relay: RelayId): void {
    this.#relays.get(relay)?.server.close();
    this.#relays.delete(relay);
  }

  /** Connects from a relayed port; `connected` or `failed` tells, not before this returns. */
  connect(attempt: number, relay: RelayId, to: TransportAddress): void {
    const from = this.#relays.get(relay)?.address;
    try {
      if (from === undefined) throw new SystemError("connect", 0);
      this.#attempts.set(attempt, { descriptor: openTcpConnection(this.#libc, from, to), to });
      this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      queueMicrotask(() => this.#handler.failed(attempt));
    }
  }

  /** Gives an attempt up. */
  giveUp(attempt: number): void {
    const under = this.#attempts.get(attempt);
    if (under === undefined) return;
    this.#forget(attempt);
    close(this.#libc, under.descriptor);
  }

  /** Closes relays and attempts. */
  close(): void {
    for (const relay of [...this.#relays.keys()]) this.closeRelay(relay);
    for (const attempt of [...this.#attempts.keys()]) this.giveUp(attempt);
  }

  #look(): void {
    for (const [attempt, { descriptor, to }] of [...this.#attempts]) {
      try {
        if (!hasConnected(this.#libc, descriptor, to)) continue;
        this.#forget(attempt);
        this.#handler.connected(attempt, descriptor);
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        this.giveUp(attempt);
        this.#handler.failed(attempt);
      }
    }
  }

  #forget(attempt: number): void {
    this.#attempts.delete(attempt);
    if (this.#attempts.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The runtime's socket is only the messenger: the connection goes on under another descriptor, unread. */
  #accepted(relay: RelayId, socket: Socket): void {
    socket.on("error", () => {});
    const { remoteAddress = "", remotePort = 0 } = socket;
    const own = this.#streams.descriptorOf(socket);
    const descriptor = own === undefined || !isIp(remoteAddress) ? undefined : duplicate(this.#libc, own);
    socket.destroy();
    if (descriptor === undefined) return;
    const peer = { ip: unmapped(parseIp(remoteAddress)), port: remotePort };
    this.#handler.accepted(relay, peer, descriptor);
  }
}
