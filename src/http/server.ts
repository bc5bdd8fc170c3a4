import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import { createServer as createListener, type Server as Listener, type Socket } from "node:net";
import type { App } from "./app.ts";
import { BoundedRequest, MAX_BODY_OCTETS } from "./body.ts";
import { Connections, type Timeouts } from "./connections.ts";

/** How sockets are treated. */
export interface HttpServerOptions {
  /** Whether a peer is a proxy of ours, whose X-Forwarded-For counts; nobody is by default. */
  readonly isTrustedProxy?: (address: string) => boolean;
  readonly timeouts?: Partial<Timeouts>;
}

/** Where a server listens: an address, or a descriptor that listens already. */
export type ListenTarget = { readonly host: string; readonly port: number } | { readonly fd: number };

/** Headers that the API reads; no others go in. */
const passed = ["authorization", "content-type", "origin"];
/** Methods that every runtime's Request can carry; Bun's takes others for GET. Those go in as PUT, which no path knows either. */
const speakable = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * node:http around the API: requests out of sockets that it listens for or that were accepted elsewhere, TLS or not.
 *
 * node:http itself never listens: in Bun its own listening takes another way through the code than adopted sockets do.
 * The URL's host is ours, not the caller's. A body is read no further than the API will, time-outs are our own (those of
 * node:http do not work on adopted sockets), and no URL is written anywhere, for one may carry `?token=`.
 */
export class HttpServer {
  readonly #app: App;
  readonly #isTrustedProxy: (address: string) => boolean;
  readonly #server: Server;
  readonly #listener: Listener;
  readonly #connections: Connections;
  readonly #date = new DateHeader();

  constructor(app: App, { isTrustedProxy = () => false, timeouts = {} }: HttpServerOptions = {}) {
    this.#app = app;
    this.#isTrustedProxy = isTrustedProxy;
    this.#connections = new Connections(timeouts);
    this.#listener = createListener({ noDelay: true }, (socket) => this.adopt(socket));
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on("connection", (socket: Socket) => this.#connections.add(socket));
    this.#server.on("clientError", (error: Error & { code?: string }, socket: Socket) => refuse(socket, error.code));
    // Where a "connect" has no listener node:http closes without a word.
    this.#server.on("connect", (_request: IncomingMessage, socket: Socket) => refuse(socket, undefined));
  }

  /** Takes over a connection that someone else accepted; octets already read must have been put back with `unshift`. */
  adopt(socket: Socket): void {
    socket.on("error", () => {});
    this.#server.emit("connection", socket);
  }

  /**
   * Listens.
   *
   * @returns the port
   * @throws {Error} with the system's code, if the address is refused
   */
  listen(target: ListenTarget): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#listener.once("error", reject);
      this.#listener.listen(target, () => {
        this.#listener.off("error", reject);
        const address = this.#listener.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  /** Accepts nothing more, lets what is being answered finish, and closes every connection after that. */
  async close(): Promise<void> {
    if (this.#listener.listening) this.#listener.close();
    await this.#connections.close();
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const connection = this.#connections.of(incoming.socket);
    connection.requestBegins();
    outgoing.once("close", () => connection.answerEnds());
    incoming.on("error", () => {}); // of a client that has gone; the connection's end is what counts
    try {
      const { body, whole } = await readBody(incoming);
      connection.bodyEnds();
      const request = toRequest(incoming, body);
      if (!request) return refuse(incoming.socket, undefined);
      const answer = await this.#app.fetch(request, { address: this.#clientOf(incoming) });
      const goesOn = whole && !this.#connections.closing;
      await send(answer, outgoing, { date: this.#date.now(), ...(!goesOn && { connection: "close" }) });
      if (!whole) incoming.resume(); // what still comes is thrown away, so that the answer is not lost in a reset
    } catch {
      incoming.socket.destroy(); // the client is gone in the middle; the API itself never rejects
    }
  }

  /** The nearest address in X-Forwarded-For that is no proxy of ours, if a proxy of ours speaks to us. */
  #clientOf(incoming: IncomingMessage): string {
    let address = incoming.socket.remoteAddress ?? "";
    const forwarded = `${incoming.headers["x-forwarded-for"] ?? ""}`.split(",").map((hop) => hop.trim());
    while (this.#isTrustedProxy(address)) {
      const next = forwarded.pop();
      if (!next) break;
      address = next;
    }
    return address;
  }
}

/** The time of an answer (RFC 9110 §6.6.1), worded once a second. */
class DateHeader {
  #second = 0;
  #text = "";

  now(): string {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) this.#text = new Date(1000 * second).toUTCString();
    this.#second = second;
    return this.#text;
  }
}

const nothing = new Uint8Array(0);

/** At most one octet more than the API allows; the rest stays unread. */
async function readBody(incoming: IncomingMessage): Promise<{ body: Uint8Array; whole: boolean }> {
  await undefined; // until the parser has returned: most bodies come together with their header
  const pieces: Uint8Array[] = [];
  let octets = 0;
  if (incoming.complete) {
    for (let piece = pieceOf(incoming); piece !== undefined; piece = pieceOf(incoming)) pieces.push(piece);
    const [all = nothing] = pieces.length > 1 ? [Buffer.concat(pieces)] : pieces;
    return { body: all.subarray(0, MAX_BODY_OCTETS + 1), whole: all.length <= MAX_BODY_OCTETS };
  }
  return new Promise((resolve, reject) => {
    if (incoming.destroyed) reject(new Error("The client has gone"));
    const done = (whole: boolean): void => {
      incoming.off("data", take).off("end", end);
      resolve({ body: Buffer.concat(pieces), whole });
    };
    const end = (): void => done(true);
    const take = (piece: Uint8Array): void => {
      const room = MAX_BODY_OCTETS + 1 - octets;
      pieces.push(piece.subarray(0, room));
      octets += piece.length;
      if (octets > MAX_BODY_OCTETS) {
        incoming.pause();
        done(false);
      }
    };
    incoming.on("data", take).on("end", end).once("error", reject).once("close", reject);
  });
}

function pieceOf(incoming: IncomingMessage): Uint8Array | undefined {
  const piece: unknown = incoming.read();
  return piece instanceof Uint8Array ? piece : undefined;
}

/** `undefined` for a request target that is no path: `*`, or rubbish. */
function toRequest({ method = "GET", url = "", headers }: IncomingMessage, body: Uint8Array): BoundedRequest | undefined {
  const given = new Headers();
  for (const name of passed) {
    const value = headers[name];
    if (typeof value === "string") given.set(name, value);
  }
  const path = url.startsWith("/") ? url : pathOfAbsolute(url);
  if (path === undefined || !URL.canParse(`http://localhost${path}`)) return undefined;
  return new BoundedRequest(`http://localhost${path}`, {
    method: speakable.has(method) ? method : "PUT",
    headers: given,
    body,
  });
}

/** A server must understand the absolute form too (RFC 9112 §3.2.2); whose host it names does not matter here. */
function pathOfAbsolute(url: string): string | undefined {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const { pathname, search } = new URL(url);
  return pathname + search;
}

async function send(answer: Response, outgoing: ServerResponse, headers: Record<string, string>): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer());
  for (const [name, value] of answer.headers) headers[name] = value;
  if (answer.status !== 204) headers["content-length"] ??= `${body.length}`;
  // Head and body in one write: an adopted socket would be given two, each a record of TLS and a system call.
  const { socket } = outgoing;
  socket?.cork();
  outgoing.writeHead(answer.status, headers);
  outgoing.end(body);
  socket?.uncork();
}

/** What is not HTTP gets what a web server answers, and the connection ends. */
function refuse(socket: Socket, code: string | undefined): void {
  const status = code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Connection: close",
    "Content-Length: 0",
    `X-Request-Id: ${randomUUID()}`,
  ];
  if (socket.writable) socket.end(`${head.join("\r\n")}\r\n\r\n`);
  socket.once("finish", () => socket.destroy());
  if (!socket.writable) socket.destroy();
}
