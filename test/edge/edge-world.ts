import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { connect as connectTls, type ConnectionOptions as PlainConnectionOptions } from "node:tls";
import { Admission } from "../../src/edge/admission.ts";
import type { Certificates } from "../../src/edge/certificates.ts";
import { EdgeListener, type EdgeListenerOptions, type Patience } from "../../src/edge/listener.ts";
import { StreamClients } from "../../src/edge/stream-clients.ts";
import { concat, fromHex } from "../../src/lib/bytes.ts";
import { type FiveTuple, formatAddress, parseAddress } from "../../src/net/address.ts";
import { SocketAddress } from "../../src/net/socket-address.ts";
import { localhostCertificates, portOf, TestClient } from "./support.ts";

/** What the types leave out. */
export type ConnectionOptions = PlainConnectionOptions & { readonly allowHalfOpen?: boolean };

/** Long enough for a slow machine: what tests deadlines gives its own. */
const PATIENT: Patience = { handshakeMs: 30_000, firstOctetsMs: 30_000, lingerMs: 30_000 };

/** A Binding request that names its sender, and the answer that our fake TURN gives: the same with another first octet. */
export function bindingRequest(number: number): Uint8Array {
  return concat(fromHex("0001 0000 2112a442 0000000000000000"), new Uint8Array(new Uint32Array([number]).buffer));
}

export function bindingAnswer(number: number): Uint8Array {
  const answer = bindingRequest(number);
  answer[0] = 1;
  return answer;
}

/** A listener whose doors are a TURN server that answers anything and a web server that answers with the path. */
export class EdgeWorld {
  readonly admission: Admission;
  readonly certificates: Certificates = localhostCertificates();
  readonly clients: StreamClients;
  readonly http: HttpServer;
  readonly listener: EdgeListener;
  /** Whom the doors saw. */
  readonly seen: string[] = [];
  readonly turnClosed: FiveTuple[] = [];
  port = 0;

  constructor(options: Partial<EdgeListenerOptions> = {}, admission = new Admission(), idleMs = 30_000) {
    this.admission = admission;
    this.clients = new StreamClients(
      { maxBacklogBytes: 65_536, hopelessBacklogBytes: 262_144, idleMs },
      {
        fromClient: (packet) => {
          const answer = packet.bytes.slice(packet.offset, packet.offset + packet.length);
          answer[0] = 1;
          this.clients.sendToClient(packet.socket, 0, new SocketAddress(), answer, 0, answer.length);
        },
        clientClosed: (from) => this.turnClosed.push(from),
      },
    );
    this.http = createHttpServer((request, response) => {
      response.end(request.url);
    });
    this.listener = new EdgeListener(
      {
        kind: "tls",
        descriptor: undefined,
        address: parseAddress("127.0.0.1:0"),
        patience: PATIENT,
        proxyProtocol: [],
        neighbourFor: () => undefined,
        ...options,
      },
      {
        http: (socket, visit) => {
          this.seen.push(`http ${formatAddress(visit.client)}`);
          this.http.emit("connection", socket);
        },
        turn: (socket, transport, visit) => {
          this.seen.push(`turn ${formatAddress(visit.client)}`);
          this.clients.adopt(socket, transport, undefined, visit);
        },
      },
      this.admission,
      this.certificates,
    );
  }

  /** Runs a test against a listener of its own, and leaves nothing open. */
  static async run(options: Partial<EdgeListenerOptions>, test: (world: EdgeWorld) => Promise<void>): Promise<void> {
    const world = new EdgeWorld(options);
    await world.listen();
    try {
      await test(world);
    } finally {
      world.close();
    }
  }

  async listen(): Promise<void> {
    this.port = await this.listener.listen();
  }

  close(): void {
    this.listener.close();
    this.clients.closeAll();
    this.http.closeAllConnections();
  }

  tls(options: ConnectionOptions = {}): Promise<TestClient> {
    return tlsClient(this.port, options);
  }
}

/** A TLS connection to this host; rejected with the error of a handshake that fails. */
export function tlsClient(port: number, options: ConnectionOptions = {}): Promise<TestClient> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false, ...options });
    const client = new TestClient(socket);
    socket.once("secureConnect", () => resolve(client));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed in the handshake")));
  });
}

/** A relay before the listener that hands on the first segment of each connection as `cut` says, and the rest as it comes. */
export async function before(port: number, cut: (first: Uint8Array) => Uint8Array[]): Promise<{ port: number; server: Server }> {
  const server = createServer((near) => {
    const far = connect({ port, host: "127.0.0.1", noDelay: true });
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    far.pipe(near);
    near.once("data", async (first: Uint8Array) => {
      near.pause();
      for (const piece of cut(first)) {
        far.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      near.pipe(far);
    });
  });
  return { port: await portOf(server), server };
}
