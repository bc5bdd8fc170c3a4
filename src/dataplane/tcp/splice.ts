import type { Socket } from "node:net";
import { setTimeout } from "node:timers";
import type { Pace } from "./pace.ts";
import type { RawStream, RawStreams } from "../../runtime/runtime.ts";

/** What holds the two directions back; nothing, where there is no limit. */
export interface SplicePaces {
  readonly toPeer: Pace;
  readonly toClient: Pace;
}

/** Octets that have passed, by where to. */
export interface SpliceTotals {
  readonly toPeer: number;
  readonly toClient: number;
}

/** A shorter wait is added to the next. */
const LEAST_WAIT_MS = 1;

/**
 * A client's stream and a peer's, made one: everything passes as it is, each side as fast as the other takes it, and
 * where one ends the other learns of it (RFC 6062 §3).
 */
export class Splice {
  readonly #client: Socket;
  readonly #ended: (totals: SpliceTotals) => void;
  readonly #paces: SplicePaces | undefined;
  /** Nothing is read until a pace allows. */
  #clientWaits = false;
  #peerWaits = false;
  #peer: RawStream | undefined;
  /** What the peer's side has not taken yet. */
  #waiting: Uint8Array = new Uint8Array(0);
  #clientEnded = false;
  #peerEnded = false;
  /** The peer has been told that the client's side has ended. */
  #isShut = false;
  #isOver = false;
  #toPeer = 0;
  #toClient = 0;

  /**
   * @param client paused, with nobody listening to it
   * @param head what was already read of it
   * @param descriptor of the peer's connection, ours from now on
   * @param ended called once, when both are closed
   */
  constructor(
    client: Socket,
    head: Uint8Array,
    descriptor: number,
    streams: RawStreams,
    ended: (totals: SpliceTotals) => void,
    paces?: SplicePaces,
  ) {
    this.#client = client;
    this.#ended = ended;
    this.#paces = paces;
    this.#waiting = head;
    client.on("close", () => this.close());
    const handler = {
      data: (bytes: Uint8Array) => this.#fromPeer(bytes),
      drain: () => this.#drain(),
      ended: () => this.#peerEnds(),
      closed: () => this.#peerCloses(),
    };
    streams.adopt(descriptor, handler).then(
      (peer) => this.#begin(peer),
      () => this.close(),
    );
  }

  /** Closes both. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#client.destroy();
    if (this.#isShut && this.#peerEnded) this.#peer?.close();
    else this.#peer?.destroy();
    this.#ended({ toPeer: this.#toPeer, toClient: this.#toClient });
  }

  #begin(peer: RawStream): void {
    if (this.#isOver) {
      peer.destroy();
      return;
    }
    this.#peer = peer;
    const client = this.#client;
    client.on("data", (bytes: Uint8Array) => this.#fromClient(bytes));
    client.on("end", () => this.#clientEnds());
    client.on("drain", () => {
      if (!this.#peerWaits) peer.resume();
    });
    this.#drain();
    peer.resume();
  }

  #fromClient(bytes: Uint8Array): void {
    const wait = this.#paces?.toPeer.take(bytes.length, performance.now()) ?? 0;
    if (wait >= LEAST_WAIT_MS) {
      this.#clientWaits = true;
      setTimeout(() => {
        this.#clientWaits = false;
        this.#drain();
      }, wait);
    }
    this.#waiting = this.#waiting.length === 0 ? bytes : joined(this.#waiting, bytes);
    this.#drain();
  }

  /** Gives the peer what it takes, and reads on from the client when that is all. */
  #drain(): void {
    const peer = this.#peer;
    if (peer === undefined || this.#isOver) return;
    if (this.#waiting.length > 0) {
      const taken = peer.write(this.#waiting);
      this.#toPeer += taken;
      this.#waiting = this.#waiting.subarray(taken);
    }
    if (this.#waiting.length > 0) {
      this.#client.pause();
    } else {
      if (this.#clientWaits) this.#client.pause();
      else this.#client.resume();
      if (this.#clientEnded && !this.#isShut) peer.shutdown();
      this.#isShut = this.#clientEnded;
    }
  }

  #clientEnds(): void {
    this.#clientEnded = true;
    this.#drain();
    if (this.#peerEnded) this.#finish();
  }

  #fromPeer(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#toClient += bytes.length;
    const wait = this.#paces?.toClient.take(bytes.length, performance.now()) ?? 0;
    if (!this.#client.write(bytes)) this.#peer?.pause();
    if (wait < LEAST_WAIT_MS) return;
    this.#peerWaits = true;
    this.#peer?.pause();
    setTimeout(() => {
      this.#peerWaits = false;
      if (!this.#isOver && !this.#client.writableNeedDrain) this.#peer?.resume();
    }, wait);
  }

  #peerEnds(): void {
    this.#peerEnded = true;
    this.#client.end();
    if (this.#clientEnded) this.#finish();
  }

  /** The peer is gone: what it has said still goes to the client. */
  #peerCloses(): void {
    this.#peerEnded = true;
    this.#finish();
  }

  /** Neither side has more to say: the rest leaves, and then it is over. */
  #finish(): void {
    if (this.#isOver) return;
    this.#client.destroySoon();
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
