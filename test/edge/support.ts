import { createServer, type Server, type Socket, type AddressInfo, connect } from "node:net";
import { equalBytes, readUint32, writeUint32 } from "../../src/lib/bytes.ts";
import { Certificates, type CertificatePair } from "../../src/edge/certificates.ts";

/** Waits until something holds; the deadline is for what is broken, not for what is slow. */
export async function until(holds: () => boolean, what: string, deadlineMs = 4_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

let made: CertificatePair | undefined;

/** Certificates with a pair for localhost in force, made once for a file of tests. */
export function localhostCertificates(): Certificates {
  made ??= Certificates.selfSigned(["localhost", "127.0.0.1"], Date.now());
  const certificates = new Certificates("localhost");
  certificates.load(made, Date.now());
  return certificates;
}

/** A connected client socket that collects what it receives. */
export class TestClient {
  readonly socket: Socket;
  received: Uint8Array = Buffer.alloc(0);
  ended = false;
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("close", () => {
      this.closed = true;
    });
  }

  /** A TCP connection to this host. */
  static async tcp(port: number): Promise<TestClient> {
    const socket = connect({ port, host: "127.0.0.1" });
    const client = new TestClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", () => resolve());
      socket.once("error", reject);
    });
    return client;
  }

  get text(): string {
    return Buffer.from(this.received).toString("latin1");
  }

  /** One octet a segment, as far as the system lets it be so. */
  async trickle(octets: Uint8Array): Promise<void> {
    for (const octet of octets) {
      this.socket.write(Uint8Array.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A pair of connected sockets: ours, and a client's. */
export async function socketPair(): Promise<{ ours: Socket; client: TestClient; server: Server }> {
  const server = createServer({ allowHalfOpen: true });
  const arrived = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const port = await portOf(server);
  const client = await TestClient.tcp(port);
  const ours = await arrived;
  server.close();
  return { ours, client, server };
}

/** Starts a server on a free port of this host. */
export async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address: AddressInfo | string | null = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no port");
  return address.port;
}

const MEDIA_WORDS = 1000;

/** ChannelData of 4,000 octets that say one number over and over, so that memory used too early is seen. */
export function numberedMedia(number: number): Uint8Array {
  const octets = new Uint8Array(4 + 4 * MEDIA_WORDS);
  writeUint32(octets, 0, (0x4001 << 16) | (4 * MEDIA_WORDS));
  for (let word = 1; word <= MEDIA_WORDS; word++) writeUint32(octets, 4 * word, number);
  return octets;
}

/** The numbers of such ChannelData in the order received; throws if one is not whole. */
export function numbersOf(stream: Uint8Array): number[] {
  const size = 4 + 4 * MEDIA_WORDS;
  if (stream.length % size !== 0) throw new Error(`${stream.length} octets are not whole frames`);
  return Array.from({ length: stream.length / size }, (_, i) => {
    const number = readUint32(stream, i * size + 4);
    const frame = stream.subarray(i * size, (i + 1) * size);
    if (!equalBytes(frame, numberedMedia(number))) throw new Error(`Frame ${i} was overwritten`);
    return number;
  });
}
