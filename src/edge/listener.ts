import { createServer, type Server, type Socket } from "node:net";
import { clearTimeout, setTimeout } from "node:timers";
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import { concat } from "../lib/bytes.ts";
import type { TransportAddress } from "../net/address.ts";
import { type Cidr, contains } from "../net/cidr.ts";
import { formatIp } from "../net/ip.ts";
import type { Admission, Visit } from "./admission.ts";
import type { Certificates } from "./certificates.ts";
import { endsOf } from "./ends.ts";
import { type ClientHello, HelloReader } from "./hello.ts";
import { type Neighbour, passThrough } from "./passthrough.ts";
import { guarded, peek } from "./peek.ts";
import { readProxyHeader } from "./proxy-header.ts";
import { refuse } from "./refuse.ts";
import { ALPN_PROTOCOLS, sniff } from "./sniff.ts";

/** Whom a connection is given to once it is known what it is for. All of its octets are still in it. */
export interface Doors {
  http(socket: Socket, visit: Visit): void;
  turn(socket: Socket, transport: "tcp" | "tls", visit: Visit): void;
}

/** How long we wait for a stranger, in milliseconds. */
export interface Patience {
  /** From the connection to the end of its handshake; on TCP, to the end of a PROXY header. */
  readonly handshakeMs: number;
  /** From there to the octets that say what it is for. */
  readonly firstOctetsMs: number;
  /** How long a refused client may go on sending before it is cut off. */
  readonly lingerMs: number;
}

/** The contract's. */
export const PATIENCE: Patience = { handshakeMs: 10_000, firstOctetsMs: 10_000, lingerMs: 2_000 };

/** What a listener must be told. */
export interface EdgeListenerOptions {
  /** `tls`: TURN over TLS and HTTPS on one port. `tcp`: STUN and TURN only. */
  readonly kind: "tcp" | "tls";
  /** A listening TCP socket, ours from here on; `undefined`: listen on `address`. */
  readonly descriptor: number | undefined;
  readonly address: TransportAddress;
  readonly patience: Patience;
  /** Whose connections begin with a PROXY header (`listen.proxy_protocol`). */
  readonly proxyProtocol: readonly Cidr[];
  /** Where the TLS of a name goes that is not ours. */
  readonly neighbourFor: (serverName: string) => Neighbour | undefined;
}

/** A connection that is not yet given to anyone. */
interface Arrival {
  readonly raw: Socket;
  visit: Visit;
  timer: ReturnType<typeof setTimeout>;
}

/** One listening TCP socket: decides once for each connection what it is, and gives it away. */
export class EdgeListener {
  readonly #options: EdgeListenerOptions;
  readonly #doors: Doors;
  readonly #admission: Admission;
  readonly #certificates: Certificates | undefined;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #arrivals = new Set<Arrival>();
  /** Those in a TLS handshake, by {@link wireKey}: what comes out of it is another socket object. */
  readonly #handshakes = new Map<string, Arrival>();

  /** @param certificates holds a pair already; only a `tls` listener needs it */
  constructor(options: EdgeListenerOptions, doors: Doors, admission: Admission, certificates?: Certificates) {
    this.#options = options;
    this.#doors = doors;
    this.#admission = admission;
    this.#certificates = certificates;
    // Half-open: a client may end its request and still wait for the answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (raw) => guarded(raw, () => this.#accept(raw)));
    if (options.kind === "tls" && certificates !== undefined) this.#tls = this.#terminator(certificates);
  }

  /**
   * Begins to accept.
   *
   * @returns the port listened on
   * @throws {Error} what the system says against it (`code` EADDRINUSE, EACCES, …)
   */
  listen(): Promise<number> {
    const { descriptor, address } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.once("listening", () => {
        this.#server.off("error", reject);
        this.#server.on("error", () => {}); // one connection that could not be accepted
        const bound = this.#server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : address.port);
      });
      if (descriptor === undefined) this.#server.listen({ host: formatIp(address.ip), port: address.port });
      else this.#server.listen({ fd: descriptor });
    });
  }

  /** Stops accepting and drops what is not yet decided; connections that were given away live on. */
  close(): void {
    this.#server.close();
    if (this.#tls !== undefined) this.#certificates?.detach(this.#tls);
    for (const { raw } of this.#arrivals) raw.destroy();
  }

  /** Our TLS. It never listens: it is given sockets whose ClientHello was read and put back. */
  #terminator(certificates: Certificates): TlsServer {
    const server = createTlsServer({
      ...certificates.contextOptions,
      ALPNProtocols: [...ALPN_PROTOCOLS],
      handshakeTimeout: this.#options.patience.handshakeMs,
      allowHalfOpen: true,
    });
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    server.on("secureConnection", (socket) => guarded(socket, () => this.#secured(socket)));
    certificates.attach(server);
    return server;
  }

  #accept(raw: Socket): void {
    raw.on("error", () => raw.destroy());
    const ends = endsOf(raw);
    const visit = ends === undefined ? undefined : this.#admission.admit(ends.client, ends.server);
    if (visit === undefined) {
      raw.destroy();
      return;
    }
    const { handshakeMs } = this.#options.patience;
    const arrival: Arrival = { raw, visit, timer: setTimeout(() => raw.destroy(), handshakeMs) };
    this.#arrivals.add(arrival);
    raw.once("close", () => {
      clearTimeout(arrival.timer);
      this.#arrivals.delete(arrival);
      arrival.visit.ends();
    });
    if (this.#options.proxyProtocol.some((range) => contains(range, visit.client.ip))) this.#readProxyHeader(arrival);
    else this.#enter(arrival);
  }

  /** The client is whom the header names, for admission too. */
  #readProxyHeader(arrival: Arrival): void {
    const { raw } = arrival;
    let head: Uint8Array = new Uint8Array(0);
    const judge = (segment: Uint8Array): Exclude<ReturnType<typeof readProxyHeader>, "not yet"> | undefined => {
      head = concat(head, segment);
      const header = readProxyHeader(head);
      return header === "not yet" ? undefined : header;
    };
    peek(raw, judge, (header) => {
      if (header === "not a header") {
        raw.destroy();
        return;
      }
      if (header.ends !== undefined) {
        arrival.visit.ends();
        const visit = this.#admission.admit(header.ends.client, header.ends.server);
        if (visit === undefined) {
          raw.destroy();
          return;
        }
        arrival.visit = visit;
      }
      if (head.length > header.length) raw.unshift(head.subarray(header.length));
      this.#enter(arrival);
    });
  }

  #enter(arrival: Arrival): void {
    if (this.#tls !== undefined) this.#readHello(arrival, this.#tls);
    else this.#awaitFirstOctets(arrival, arrival.raw, "tcp");
  }

  #readHello(arrival: Arrival, server: TlsServer): void {
    const reader = new HelloReader();
    const judge = (segment: Uint8Array): Exclude<ReturnType<HelloReader["push"]>, "not yet"> | undefined => {
      const state = reader.push(segment);
      return state === "not yet" ? undefined : state;
    };
    peek(arrival.raw, judge, (hello) => {
      if (hello === "not a hello") {
        refuse(arrival.raw, this.#options.patience.lingerMs);
        return;
      }
      const neighbour = hello === "malformed" ? undefined : this.#neighbourFor(hello);
      if (neighbour !== undefined) {
        passThrough(arrival.raw, reader.bytes(), neighbour, arrival.visit, () => this.#decided(arrival));
        return;
      }
      const key = wireKey(arrival.raw);
      this.#handshakes.set(key, arrival);
      arrival.raw.once("close", () => {
        if (this.#handshakes.get(key) === arrival) this.#handshakes.delete(key);
      });
      arrival.raw.unshift(reader.bytes());
      server.emit("connection", arrival.raw);
    });
  }

  #neighbourFor({ serverName }: ClientHello): Neighbour | undefined {
    return serverName === undefined ? undefined : this.#options.neighbourFor(serverName);
  }

  #secured(socket: TLSSocket): void {
    const key = wireKey(socket);
    const arrival = this.#handshakes.get(key);
    this.#handshakes.delete(key);
    socket.on("error", () => {
      socket.destroy();
      arrival?.raw.destroy();
    });
    if (arrival === undefined) {
      socket.destroy(); // closed in the same moment: it has no address any more
      return;
    }
    socket.setNoDelay(true);
    this.#awaitFirstOctets(arrival, socket, "tls");
  }

  /** @param socket the TLS socket, or the raw one on TCP */
  #awaitFirstOctets(arrival: Arrival, socket: Socket, transport: "tcp" | "tls"): void {
    const alpn = "alpnProtocol" in socket && typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : undefined;
    let head: Uint8Array = new Uint8Array(0);
    const judge = (segment: Uint8Array): "turn" | "http" | undefined => {
      head = concat(head, segment);
      const verdict = sniff(alpn, head);
      return verdict === "not yet" ? undefined : verdict;
    };
    const give = (door: "turn" | "http"): void => {
      if (transport === "tcp" && door === "http") {
        refuse(socket, this.#options.patience.lingerMs);
        return;
      }
      this.#decided(arrival);
      if (head.length > 0) socket.unshift(head);
      if (door === "http") this.#doors.http(socket, arrival.visit);
      else this.#doors.turn(socket, transport, arrival.visit);
    };
    const known = sniff(alpn, head);
    if (known !== "not yet") {
      give(known);
      return;
    }
    clearTimeout(arrival.timer);
    arrival.timer = setTimeout(() => {
      socket.destroy();
      arrival.raw.destroy();
    }, this.#options.patience.firstOctetsMs);
    peek(socket, judge, give);
  }

  /** From here on its deadlines are someone else's. */
  #decided(arrival: Arrival): void {
    clearTimeout(arrival.timer);
    this.#arrivals.delete(arrival);
    arrival.visit.decided();
  }
}

/** Both addresses and ports: of all open connections no two have the same. */
function wireKey({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
