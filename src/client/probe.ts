import { randomBytes } from "node:crypto";
import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { type Random, randomFrom } from "../lib/random.ts";
import type { TransportAddress } from "../net/address.ts";
import type { Answer, ClientInput, ConnectionAttempt, PeerData, Success, TurnRequest } from "./dialogue.ts";
import { type Line, type LineOptions, openLine } from "./line.ts";
import { TurnClient } from "./turn-client.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const systemRandom: Random = randomFrom((count) => randomBytes(count));

/** How to reach a server, and who to be there. */
export interface ProbeOptions extends Omit<LineOptions, "connectTimeoutMs"> {
  readonly credentials?: { readonly username: string; readonly credential: string } | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** The first retransmission time-out over UDP (RFC 8489 §6.2.1); default 500. */
  readonly initialTimeoutMs?: number | undefined;
  /** Takes what peers send, as it comes; then {@link Probe.nextData} has nothing to give. */
  readonly onData?: ((data: PeerData) => void) | undefined;
}

/** A request was refused, or not answered. */
export class RequestFailed extends Error {
  /** The STUN error code; `undefined` where no answer came. */
  readonly code: number | undefined;

  constructor(request: TurnRequest["kind"], answer: Exclude<Answer, Success>) {
    const refused = answer.kind === "refused";
    super(refused ? `${request} was refused: ${answer.code} ${answer.reason}`.trim() : `${request} was not answered`);
    this.name = "RequestFailed";
    this.code = refused ? answer.code : undefined;
  }
}

/** A {@link TurnClient} with a socket and a clock: one five-tuple, used for real. */
export class Probe {
  readonly #client: TurnClient;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  readonly #arrived: PeerData[] = [];
  readonly #waiting: { resolve(data: PeerData): void; reject(error: Error): void }[] = [];
  readonly #attempts: ConnectionAttempt[] = [];
  readonly #onData: ((data: PeerData) => void) | undefined;
  #line: Line | undefined;
  #lastId = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lost: string | undefined;

  /** Opens the socket and, for TCP and TLS, connects it. @throws {Error} if that fails */
  static async open(options: ProbeOptions): Promise<Probe> {
    const probe = new Probe(options);
    probe.#line = await openLine(
      { ...options, connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS },
      { frame: (bytes) => probe.#step({ kind: "received", bytes }), lost: (reason) => probe.#lose(reason) },
    );
    return probe;
  }

  private constructor(options: ProbeOptions) {
    const { transport, credentials, initialTimeoutMs } = options;
    const random = systemRandom;
    this.#onData = options.onData;
    this.#client = new TurnClient({ transport: transport === "udp" ? "udp" : "stream", credentials, random, initialTimeoutMs });
  }

  /** Our end of the five-tuple. */
  get local(): TransportAddress {
    return this.#open.local;
  }

  /** The certificates the server sent, its own first. */
  get chain(): readonly X509Certificate[] {
    return this.#open.chain;
  }

  /** Why they are not to be trusted; `undefined` if they are. */
  get distrust(): string | undefined {
    return this.#open.distrust;
  }

  /** Why the connection is gone; `undefined` while it stands. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** Asks, and waits for whatever the answer is; a lost connection is a time-out. */
  ask(request: TurnRequest): Promise<Answer> {
    if (this.#lost !== undefined) return Promise.resolve({ kind: "timeout" });
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#step({ kind: "ask", id, request });
    });
  }

  /** Asks for what must be granted. @throws {RequestFailed} if it is not */
  async must(request: TurnRequest): Promise<Success> {
    const answer = await this.ask(request);
    if (answer.kind !== "success") throw new RequestFailed(request.kind, answer);
    return answer;
  }

  /** Sends to a peer: over a channel by its number, or to an address by a Send indication. */
  send(to: number | TransportAddress, bytes: Uint8Array): void {
    const client = this.#client;
    this.#open.send(typeof to === "number" ? client.channelData(to, bytes) : client.sendIndication(to, bytes));
  }

  /** Takes over a channel that was bound by another probe, whose allocation comes here. */
  knowChannel(channel: number, peer: TransportAddress): void {
    this.#client.knowChannel(channel, peer);
  }

  /** Sends octets as they are: for tests of what no client would send. */
  sendRaw(bytes: Uint8Array): void {
    this.#open.send(bytes);
  }

  /** The next data from a peer. @throws {Error} if none comes within the time, in milliseconds */
  nextData(withinMs: number): Promise<PeerData> {
    const first = this.#arrived.shift();
    if (first !== undefined) return Promise.resolve(first);
    if (this.#lost !== undefined) return Promise.reject(new Error(this.#lost));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(new Error(`No data from a peer within ${withinMs} ms`));
      }, withinMs);
      const settled =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          then(value);
        };
      const waiter = { resolve: settled(resolve), reject: settled(reject) };
      this.#waiting.push(waiter);
    });
  }

  /** Takes what has come and not been asked for. */
  takeArrived(): PeerData[] {
    return this.#arrived.splice(0);
  }

  /** Takes what peers' connections have been told of. */
  takeAttempts(): ConnectionAttempt[] {
    return this.#attempts.splice(0);
  }

  /** After a ConnectionBind: the stream itself, which carries the peer's octets from now on, and those that have come. */
  detach(): { readonly socket: Socket; readonly head: Uint8Array } {
    const stream = this.#open.detach();
    this.#lose("The probe was detached");
    return stream;
  }

  /** Closes the socket; an allocation on UDP should be refreshed to 0 before. */
  close(): void {
    if (this.#lost !== undefined) return;
    this.#line?.close();
    this.#lose("The probe was closed");
  }

  get #open(): Line {
    if (this.#line === undefined) throw new Error("The probe is not open");
    return this.#line;
  }

  #step(input: ClientInput): void {
    for (const output of this.#client.handle(input, performance.now())) {
      if (output.kind === "transmit") {
        this.#open.send(output.bytes);
      } else if (output.kind === "answer") {
        if (output.answer.kind === "success" && output.answer.bound) this.#open.hold();
        this.#answers.get(output.id)?.(output.answer);
        this.#answers.delete(output.id);
      } else if (output.kind === "attempt") {
        this.#attempts.push(output);
      } else if (this.#onData !== undefined) {
        this.#onData(output);
      } else {
        const waiter = this.#waiting.shift();
        if (waiter === undefined) this.#arrived.push(output);
        else waiter.resolve(output);
      }
    }
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const deadline = this.#client.nextDeadline;
    if (deadline === undefined || this.#lost !== undefined) return;
    this.#timer = setTimeout(() => this.#step({ kind: "timeout" }), Math.max(0, deadline - performance.now()));
  }

  #lose(reason: string): void {
    this.#lost = reason;
    clearTimeout(this.#timer);
    for (const answer of this.#answers.values()) answer({ kind: "timeout" });
    this.#answers.clear();
    for (const waiter of this.#waiting.splice(0)) waiter.reject(new Error(reason));
  }
}
