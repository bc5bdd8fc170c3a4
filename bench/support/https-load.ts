import { connect, type TLSSocket } from "node:tls";

/** Whom to ask, and what: the octets of one request. */
export interface HttpsLoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly request: Uint8Array;
}

/**
 * Asks for the same thing again and again over kept TLS connections, one request at a time on each.
 *
 * It writes the same octets each time and reads no more of an answer than where it ends, for what a client of HTTP costs
 * would keep the server's core waiting.
 */
export class HttpsLoad {
  readonly #lanes: readonly Lane[];

  /** Connects. @throws {Error} if the server does not answer the handshake */
  static async open({ port, connections, request }: HttpsLoadOptions): Promise<HttpsLoad> {
    const open = (): Promise<Lane> =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
        socket.setNoDelay(true);
        socket.once("error", reject);
        socket.once("secureConnect", () => resolve(new Lane(socket, request)));
      });
    return new HttpsLoad(await Promise.all(Array.from({ length: connections }, open)));
  }

  private constructor(lanes: readonly Lane[]) {
    this.#lanes = lanes;
  }

  /** Each connection asks so many times. @throws {Error} with an answer that is not 200, or that breaks off */
  async ask(times: number): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.ask(times)));
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }
}

/** One connection. */
class Lane {
  readonly #socket: TLSSocket;
  readonly #request: Uint8Array;
  #left = 0;
  /** Octets of the answer that are still to come; `undefined` before its header. */
  #missing: number | undefined;
  #done: () => void = () => {};
  #failed: (error: Error) => void = () => {};

  constructor(socket: TLSSocket, request: Uint8Array) {
    this.#socket = socket;
    this.#request = request;
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("error", (error) => this.#failed(error));
    socket.on("close", () => this.#failed(new Error("The server closed a connection")));
  }

  ask(times: number): Promise<void> {
    this.#left = times;
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      this.#next();
    });
  }

  close(): void {
    this.#failed = () => {};
    this.#socket.destroy();
  }

  #next(): void {
    if (this.#left === 0) return this.#done();
    this.#left -= 1;
    this.#missing = undefined;
    this.#socket.write(this.#request);
  }

  /** A header comes in one piece, for the servers write it in one. */
  #take(bytes: Buffer): void {
    this.#missing ??= lengthOf(bytes.toString("latin1"));
    this.#missing -= bytes.length;
    if (this.#missing === 0) this.#next();
    else if (!(this.#missing > 0)) this.#failed(new Error(`This is no answer to one request: ${bytes.toString("latin1")}`));
  }
}

/** Octets of the whole answer; NaN if it is none that was wished for. */
function lengthOf(answer: string): number {
  const head = answer.indexOf("\r\n\r\n");
  const [, length] = /\r\ncontent-length: *(\d+)\r\n/i.exec(answer) ?? [];
  return answer.startsWith("HTTP/1.1 200 ") && head > 0 ? head + 4 + Number(length) : Number.NaN;
}
