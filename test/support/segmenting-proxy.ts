import { connect, createServer, type Socket } from "node:net";

/** Between a client and a server: what the client says first arrives in other pieces than it was sent in. */
export interface SegmentingProxy {
  readonly port: number;
  stop(): Promise<void>;
}

/** How a client's first write is cut up. */
export type Cut = (first: Uint8Array) => readonly Uint8Array[];

/** Every octet in a segment of its own. */
export const octetByOctet: Cut = (first) => Array.from(first, (octet) => Uint8Array.of(octet));

/** A TLS record in two (RFC 8446 §5.1: a handshake message may be fragmented over records). */
export const twoRecords: Cut = (first) => {
  const length = (first[3] ?? 0) * 256 + (first[4] ?? 0);
  const half = length >> 1;
  const record = (from: number, to: number): Uint8Array =>
    Uint8Array.from([...first.subarray(0, 3), (to - from) >> 8, (to - from) & 0xff, ...first.subarray(5 + from, 5 + to)]);
  return [record(0, half), record(half, length), first.subarray(5 + length)];
};

/** Starts one in front of a port of this machine. */
export async function startSegmentingProxy(port: number, cut: Cut): Promise<SegmentingProxy> {
  const open = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect({ host: "127.0.0.1", port });
    server.setNoDelay(true);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
    client.once("data", async (first: Uint8Array) => {
      client.pause();
      for (const piece of cut(first)) await writeAlone(server, piece);
      client.pipe(server);
    });
    server.pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = proxy.address();
  return {
    port: typeof address === "object" ? (address?.port ?? 0) : 0,
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

/** Writes a piece, and lets the other end read before the next. */
export async function writeAlone(socket: Socket, piece: Uint8Array): Promise<void> {
  if (piece.length === 0) return;
  await new Promise<void>((resolve, reject) => socket.write(piece, (error) => (error ? reject(error) : resolve())));
  await new Promise((resolve) => setImmediate(resolve));
}
