import type { Socket } from "node:net";

/** How long a connection may be in each state, in milliseconds. */
export interface Timeouts {
  /** From its first octet, or from the accepting, to the end of a header. */
  readonly headerMs: number;
  readonly bodyMs: number;
  /** From the end of the body to the last octet taken by the client. */
  readonly answerMs: number;
  /** Between an answer and the first octet of the next request. */
  readonly idleMs: number;
}

const defaults: Timeouts = { headerMs: 10_000, bodyMs: 10_000, answerMs: 30_000, idleMs: 75_000 };
const SWEEPS = 20; // of the shortest time-out: how late a connection may be ended

/** Every connection of a server and how long it may be as it is. While there are any, one timer looks at all of them. */
export class Connections {
  readonly #timeouts: Timeouts;
  readonly #all = new Map<Socket, Connection>();
  readonly #sweepMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #closing = false;

  constructor(timeouts: Partial<Timeouts>) {
    this.#timeouts = { ...defaults, ...timeouts };
    const shortest = Math.min(...Object.values(this.#timeouts));
    this.#sweepMs = Math.max(5, shortest / SWEEPS);
  }

  /** Whether the server is closing: an answer is then the last of its connection. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Begins to watch a connection. */
  add(socket: Socket): Connection {
    const connection = new Connection(socket, this.#timeouts);
    this.#all.set(socket, connection);
    this.#timer ??= setInterval(() => this.#sweep(), this.#sweepMs).unref();
    socket.once("close", () => this.#all.delete(socket));
    return connection;
  }

  /** The connection of a socket; one that is strange to us is watched from now on. */
  of(socket: Socket): Connection {
    return this.#all.get(socket) ?? this.add(socket);
  }

  /** Ends connections as soon as they have nothing to answer; resolves when there is none. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#all].map(([socket, connection]) => ended(socket, connection)));
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    if (this.#all.size === 0) return this.#rest();
    const now = performance.now();
    for (const [socket, connection] of this.#all) {
      if (connection.isOverdue(now) || (this.#closing && !connection.isAnswering)) socket.destroy();
    }
  }
}

function ended(socket: Socket, connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    if (socket.destroyed) resolve();
    else if (!connection.isAnswering) socket.destroy();
  });
}

/** One connection: header, body, answer, idle, and again. Pipelined requests are counted together. */
export class Connection {
  readonly #socket: Socket;
  readonly #timeouts: Timeouts;
  #open = 0;
  #state: "header" | "body" | "answer" | "idle" = "header";
  #sinceMs = performance.now();
  #octetsWhenIdle = 0;

  constructor(socket: Socket, timeouts: Timeouts) {
    this.#socket = socket;
    this.#timeouts = timeouts;
  }

  /** Whether a request is waiting for the end of its answer. */
  get isAnswering(): boolean {
    return this.#open > 0;
  }

  /** A whole header has come. */
  requestBegins(): void {
    this.#open++;
    this.#enter("body");
  }

  /** All of the body has come that will be read. */
  bodyEnds(): void {
    this.#enter("answer");
  }

  /** The answer is with the client, or will never be. */
  answerEnds(): void {
    this.#open--;
    if (this.#open > 0) return;
    this.#octetsWhenIdle = this.#socket.bytesRead;
    this.#enter("idle");
  }

  /** Whether the connection has been as it is for too long. */
  isOverdue(now: number): boolean {
    if (this.#state === "idle" && this.#socket.bytesRead > this.#octetsWhenIdle) this.#enter("header");
    return now - this.#sinceMs > this.#timeouts[`${this.#state}Ms`];
  }

  #enter(state: "header" | "body" | "answer" | "idle"): void {
    this.#state = state;
    this.#sinceMs = performance.now();
  }
}
