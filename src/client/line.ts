import type { X509Certificate } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { parseIp, formatIp } from "../net/ip.ts";
import type { Transport, TransportAddress } from "../net/address.ts";
import { Framer } from "../stun/framing.ts";
import { chainOf, type TrustOptions } from "./chain.ts";

/** Where a line goes and how. */
export interface LineOptions {
  readonly transport: Transport;
  readonly server: TransportAddress;
  /** The local address to bind; absent: the system's choice. */
  readonly local?: TransportAddress | undefined;
  /** UDP: other lines may have the same local address and port, each to another server. */
  readonly shareLocal?: boolean | undefined;
  /** How long TCP and TLS may take to connect, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** For `tls`. */
  readonly tls?: TrustOptions | undefined;
}

/** What a line tells its owner. */
export interface LineHandler {
  /** One whole STUN message or ChannelData frame; the bytes are the owner's only until it returns. */
  frame(bytes: Uint8Array): void;
  /** The line is gone; not after `close()`. */
  lost(reason: string): void;
}

/** A connected socket that carries frames: to one server, and from it alone. */
export interface Line {
  readonly local: TransportAddress;
  /** The certificates the server sent, its own first; empty without TLS. */
  readonly chain: readonly X509Certificate[];
  /** Why the chain is not to be trusted, in OpenSSL's words; `undefined` if it is, or without TLS. */
  readonly distrust: string | undefined;
  send(frame: Uint8Array): void;
  /** Takes no more frames out of the stream: what comes from now on is none, and is for {@link detach}. */
  hold(): void;
  /** Gives the stream away, with what has come and was no whole frame. @throws {Error} over UDP */
  detach(): { readonly socket: Socket; readonly head: Uint8Array };
  close(): void;
}

/**
 * Connects a line.
 *
 * @throws {Error} where the system or the server refuses, or the time is over
 */
export function openLine(options: LineOptions, handler: LineHandler): Promise<Line> {
  return options.transport === "udp" ? openUdp(options, handler) : openStream(options, handler);
}

/** A connected datagram socket: the kernel passes on what comes from the address that was asked, and nothing else. */
function openUdp({ server, local, shareLocal = false }: LineOptions, handler: LineHandler): Promise<Line> {
  const socket = createSocket({ type: server.ip.family === 4 ? "udp4" : "udp6", reuseAddr: shareLocal });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => {}); // ICMP errors are no answer: the transaction's timer decides
      socket.on("message", (bytes) => handler.frame(plain(bytes)));
      const { address, port } = socket.address();
      resolve({
        local: { ip: parseIp(address), port },
        chain: [],
        distrust: undefined,
        send: (frame) => socket.send(frame, () => {}),
        hold: () => {},
        detach: () => {
          throw new Error("A datagram socket carries no stream");
        },
        close: () => socket.close(),
      });
    });
    const connect = (): void => socket.connect(server.port, formatIp(server.ip));
    if (local === undefined) connect();
    else socket.bind(local.port, formatIp(local.ip), connect);
  });
}

function openStream(options: LineOptions, handler: LineHandler): Promise<Line> {
  const { transport, server, local, connectTimeoutMs } = options;
  const target = {
    host: formatIp(server.ip),
    port: server.port,
    ...(local === undefined ? {} : { localAddress: formatIp(local.ip), localPort: local.port }),
  };
  const socket =
    transport === "tcp"
      ? connectTcp(target)
      : connectTls({ ...target, ...options.tls, ca: options.tls?.ca, rejectUnauthorized: options.tls?.verify ?? true });
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => refuse(new Error(`No connection within ${connectTimeoutMs} ms`)), connectTimeoutMs);
    socket.once("error", refuse);
    socket.once(transport === "tcp" ? "connect" : "secureConnect", () => {
      clearTimeout(timer);
      socket.off("error", refuse);
      resolve(streamLine(socket, handler));
    });
  });
}

function streamLine(socket: Socket | TLSSocket, handler: LineHandler): Line {
  let closed = false;
  let held = false;
  const lose = (reason: string): void => {
    if (closed) return;
    closed = true;
    socket.destroy();
    handler.lost(reason);
  };
  const framer = new Framer();
  socket.setNoDelay(true);
  socket.on("data", (bytes) => {
    framer.push(plain(bytes));
    while (!closed && !held) {
      const frame = framer.next();
      if (frame === undefined) break;
      handler.frame(frame.bytes.subarray(frame.offset, frame.offset + frame.length));
    }
    if (framer.broken) lose("The server sent something that is neither STUN nor ChannelData");
  });
  socket.on("error", (error) => lose(error.message));
  socket.on("end", () => lose("The server closed the connection"));
  socket.on("close", () => lose("The connection was closed"));
  return {
    local: { ip: parseIp(socket.localAddress ?? "0.0.0.0"), port: socket.localPort ?? 0 },
    ...chainOf(socket),
    send: (frame) => void socket.write(frame),
    hold() {
      held = true;
      socket.pause();
    },
    detach() {
      closed = true;
      for (const event of ["data", "end", "close", "error"]) socket.removeAllListeners(event);
      return { socket, head: framer.takeRest() };
    },
    close() {
      closed = true;
      socket.destroy();
    },
  };
}

/** The same octets as a plain array: what slices a Buffer gets a view where all others get a copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
