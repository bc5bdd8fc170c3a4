import { setImmediate } from "node:timers";
import type { RelayId } from "../../forward/route.ts";
import type { TransportAddress } from "../../net/address.ts";
import type { SocketAddress } from "../../net/socket-address.ts";
import type { Libc } from "../libc.ts";
import type { PeerSide, PlaneCounters, PlaneHandler, Staging } from "../plane.ts";
import { BellListener, type BellPlan } from "./bell.ts";
import { BatchPlane } from "./plane.ts";

/** Datagrams of one turn: then it is the event loop's. */
const SLOTS = 64;
/** What a turn of the loop may send: the frames of all clients that were read in it. */
const QUEUE = { messages: 512, scratchBytes: 512 * 1024 };
/** What a turn of the loop reads from streams; where that is more, the rest is copied frame by frame. */
const STAGING_BYTES = 512 * 1024;
/** After a turn with so many datagrams the next one need not be rung for. */
const BUSY_TURN = 32;

/**
 * The batch plane for relays of stream clients, whose thread has an event loop that must not wait for it.
 *
 * While datagrams come it has a turn in each round of the loop; when they stop, a bell tells of the next, and nothing is
 * polled until then. What is sent leaves in the round in which it was asked for.
 */
export class LoopPlane implements PeerSide {
  readonly #plane: BatchPlane;
  readonly #bell: BellListener;
  #listening = false;
  #turnIsDue = false;
  #closed = false;

  /**
   * @param number the thread's among those who listen for the bell
   * @throws {SystemError} if the system has no memory or descriptor left
   */
  constructor(libc: Libc, bell: BellPlan, number: number, handler: PlaneHandler) {
    this.#plane = new BatchPlane(libc, { listeners: [], slots: SLOTS, queue: QUEUE, stagingBytes: STAGING_BYTES }, handler);
    this.#bell = new BellListener(libc, bell, number, this.#plane.pollDescriptor);
    this.#listen();
  }

  get counters(): PlaneCounters {
    return this.#plane.counters;
  }

  /** For what streams brought: it leaves, or is done with, in the round in which it was put there. */
  get staging(): Staging {
    return this.#plane.staging;
  }

  sendToPeer(relay: RelayId, to: SocketAddress, bytes: Uint8Array, offset: number, length: number, dontFragment: boolean): void {
    this.#plane.sendToPeer(relay, to, bytes, offset, length, dontFragment);
    this.#schedule();
  }

  /** @throws {SystemError} if it cannot be watched; the descriptor is then still the caller's */
  openRelay(descriptor: number, address: TransportAddress): RelayId {
    return this.#plane.openRelay(descriptor, address);
  }

  closeRelay(relay: RelayId): void {
    this.#plane.closeRelay(relay);
    this.#schedule();
  }

  readonly releasesRelays = true;

  releaseRelay(relay: RelayId): number {
    this.#schedule();
    return this.#plane.releaseRelay(relay);
  }

  /** Sends what waits and closes all sockets. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#plane.flush();
    this.#plane.close();
  }

  #listen(): void {
    this.#listening = true;
    this.#bell.listen(() => {
      this.#listening = false;
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#turnIsDue || this.#closed) return;
    this.#turnIsDue = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#turnIsDue = false;
    if (this.#closed) return;
    if (this.#listening) return this.#plane.flush();
    this.#plane.turn(0);
    if (this.#plane.arrived >= BUSY_TURN) this.#schedule();
    else this.#listen();
  }
}
