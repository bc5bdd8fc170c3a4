import { assert } from "../../lib/assert.ts";
import type { RelayId } from "../../forward/route.ts";
import type { FiveTuple, TransportAddress } from "../../net/address.ts";
import { SocketAddress } from "../../net/socket-address.ts";
import { type Libc, SOL_UDP, UDP_GRO } from "../libc.ts";
import { type ClientSide, Packet, type PeerSide, type PlaneCounters, type PlaneHandler, type Staging } from "../plane.ts";
import { close, isWildcard, offer } from "../socket.ts";
import { Arena } from "./arena.ts";
import { ErrorQueue } from "./error-queue.ts";
import { LocalAddresses } from "./local-addresses.ts";
import { Moderation } from "./moderation.ts";
import { Poller } from "./poller.ts";
import { ReceiveBatch } from "./receive-batch.ts";
import { SendBatch } from "./send-batch.ts";
import { Sockets } from "./sockets.ts";
import { ArenaStaging } from "./staging.ts";

/** A UDP listener, opened and bound by whoever makes the plane. */
export interface BatchListener {
  readonly descriptor: number;
  readonly address: TransportAddress;
}

export interface BatchPlaneOptions {
  /** Their place here is their number. The plane owns the descriptors from now on. */
  readonly listeners: readonly BatchListener[];
  /** Datagrams of one turn; 256 if not given. */
  readonly slots?: number;
  /** The longest datagram that is taken; 64 KiB if not given, which costs memory only as far as datagrams reach. */
  readonly slotBytes?: number;
  /** What is kept to be sent, before it must be sent at once: an answer to each datagram of a turn, and a few more, if not given. */
  readonly queue?: { readonly messages: number; readonly scratchBytes: number };
  /** Octets of {@link BatchPlane.staging}; none if not given. */
  readonly stagingBytes?: number;
  /** false: every datagram is a message of its own, also where the kernel could cut one into many, or join many into one. */
  readonly segmentation?: boolean;
}

/** Trains are as long as the longest message, and are taken only where that fits a slot. */
const LONGEST_MESSAGE = 65_535;

/** From one socket at a time, so that no one starves the others. */
const MOST_AT_ONCE = 64;

/** Sockets for a thread of its own, on Linux: many datagrams in a system call, and none copied or made an object on the way. */
export class BatchPlane implements ClientSide, PeerSide {
  readonly counters: PlaneCounters = { sendDrops: 0, truncated: 0 };
  readonly #staging: ArenaStaging;
  readonly #libc: Libc;
  readonly #handler: PlaneHandler;
  readonly #arena: Arena;
  readonly #sockets = new Sockets();
  readonly #locals = new LocalAddresses();
  readonly #poller: Poller;
  readonly #receive: ReceiveBatch;
  readonly #send: SendBatch;
  readonly #errors: ErrorQueue;
  readonly #moderation: Moderation;
  #arrived = 0;
  /** Whether datagrams that arrived together are taken as one message. */
  readonly #trains: boolean;
  readonly #listeners: number;
  readonly #wildcard: readonly boolean[];
  readonly #packet = new Packet();
  readonly #local = new SocketAddress();
  /** Closed by the handler, not yet by us: what it has queued on them leaves first. */
  #closing: RelayId[] = [];
  /** The same for those that were given away: they are only forgotten. */
  #leaving: RelayId[] = [];
  #erring: RelayId = 0;

  /** @throws {SystemError} if the system has no memory or descriptor left */
  constructor(libc: Libc, options: BatchPlaneOptions, handler: PlaneHandler) {
    const { listeners, slots = 256, slotBytes = 65_536, segmentation = true, stagingBytes = 0 } = options;
    const received = { slots, slotBytes };
    const { messages, scratchBytes } = options.queue ?? { messages: 2 * slots, scratchBytes: 256 * 1024 };
    const sent = { messages, scratchBytes, segmentation };
    this.#libc = libc;
    this.#handler = handler;
    const batches = ReceiveBatch.bytes(received) + SendBatch.bytes(sent);
    this.#arena = new Arena(libc, batches + stagingBytes + ErrorQueue.bytes + Poller.bytes + 4096);
    this.#receive = new ReceiveBatch(libc, this.#arena, received);
    const context = { libc, arena: this.#arena, sockets: this.#sockets, locals: this.#locals, counters: this.counters };
    this.#send = new SendBatch(context, sent);
    this.#staging = new ArenaStaging(this.#arena, stagingBytes);
    this.#errors = new ErrorQueue(libc, this.#arena);
    this.#poller = new Poller(libc, this.#arena);
    this.#moderation = new Moderation(libc);
    this.#trains = segmentation && slotBytes >= LONGEST_MESSAGE;
    this.#listeners = listeners.length;
    this.#wildcard = listeners.map(({ address }) => isWildcard(address));
    for (const { descriptor, address } of listeners) {
      this.#poller.add(descriptor, this.#sockets.add(descriptor, address));
      if (this.#trains) offer(libc, descriptor, SOL_UDP, UDP_GRO, 1);
    }
  }

  /** Write to it (`wake` of `socket.ts`) from any thread to end a wait. */
  get wakeDescriptor(): number {
    return this.#poller.wakeDescriptor;
  }

  /** Readable, for another poller, while a turn would have something to do. */
  get pollDescriptor(): number {
    return this.#poller.descriptor;
  }

  /** For what came another way: free again when a turn is flushed. */
  get staging(): Staging {
    return this.#staging;
  }

  /** Messages that came in the last turn. */
  get arrived(): number {
    return this.#arrived;
  }

  /** Sends between two turns what was asked for between them. */
  flush(): void {
    this.#settle();
  }

  /**
   * One turn: waits, hands over what came, tells that the turn ends, sends what was asked for.
   *
   * What was asked for between two turns is sent before the wait.
   *
   * @param timeoutMs how long to wait for a datagram; Infinity waits for one
   * @returns whether somebody woke us
   * @throws {SystemError} on a broken descriptor
   */
  turn(timeoutMs: number): boolean {
    this.#settle();
    if (timeoutMs > 0 && !this.#poller.pending) this.#moderation.afterTurn(this.#arrived);
    this.#arrived = 0;
    this.#poller.wait(timeoutMs);
    let woken = false;
    for (let socket = this.#poller.socket; socket !== undefined; socket = this.#poller.socket) {
      if (this.#poller.takeWake()) woken = true;
      else if (this.#receive.room === 0) break;
      else this.#serve(socket, this.#poller.failed);
      this.#poller.advance();
    }
    this.#handler.turnEnds();
    this.#settle();
    return woken;
  }

  /** Hands over what waits in a socket, errors about earlier datagrams first. */
  #serve(socket: number, failed: boolean): void {
    if (!this.#sockets.isOpen(socket)) return;
    const descriptor = this.#sockets.descriptorOf(socket);
    if (failed) {
      this.#erring = socket;
      this.#errors.read(descriptor, this.#onError);
    }
    const first = this.#receive.next;
    const end = first + this.#receive.receive(descriptor, MOST_AT_ONCE);
    this.#arrived += end - first;
    for (let slot = first; slot < end; slot++) {
      if (!this.#receive.read(slot, this.#packet)) {
        this.counters.truncated++;
        continue;
      }
      const segmentBytes = this.#trains ? this.#receive.segmentBytes(slot) : 0;
      if (segmentBytes > 0 && segmentBytes < this.#packet.length) this.#takeApart(socket, slot, segmentBytes);
      else this.#handOver(socket, slot);
    }
  }

  /** Hands over the datagrams of a train one by one. What comes from clients needs no headroom, and stays where it is. */
  #takeApart(socket: number, slot: number, segmentBytes: number): void {
    const packet = this.#packet;
    const { offset, length } = packet;
    const step = socket < this.#listeners ? segmentBytes : this.#receive.spread(slot, length, segmentBytes);
    for (let i = 0; i * segmentBytes < length; i++) {
      packet.offset = offset + i * step;
      packet.length = Math.min(segmentBytes, length - i * segmentBytes);
      this.#handOver(socket, slot);
    }
  }

  #handOver(socket: number, slot: number): void {
    if (socket < this.#listeners) this.#fromClient(socket, slot);
    else if (this.#sockets.isOpen(socket)) this.#fromPeer(socket);
  }

  #fromClient(socket: number, slot: number): void {
    const packet = this.#packet;
    packet.socket = socket;
    const told = this.#wildcard[socket] === true && this.#receive.readLocal(slot, this.#local);
    packet.local = told ? this.#locals.numberOf(this.#local) : 0;
    this.#handler.fromClient(packet);
  }

  #fromPeer(relay: RelayId): void {
    this.#packet.socket = relay;
    this.#packet.local = 0;
    this.#handler.fromPeer(this.#packet);
  }

  readonly #onError = (peer: SocketAddress, type: number, code: number, data: number): void => {
    if (this.#erring >= this.#listeners && this.#sockets.isOpen(this.#erring))
      this.#handler.peerUnreachable(this.#erring, peer, type, code, data);
  };

  sendToClient(socket: number, local: number, to: SocketAddress, bytes: Uint8Array, offset: number, length: number): void {
    this.#send.add(socket, local, to, bytes, offset, length, false);
  }

  sendToPeer(relay: RelayId, to: SocketAddress, bytes: Uint8Array, offset: number, length: number, dontFragment: boolean): void {
    this.#send.add(relay, 0, to, bytes, offset, length, dontFragment);
  }

  fiveTuple(packet: Packet): FiveTuple {
    const address = this.#sockets.addressOf(packet.socket);
    assert(address !== undefined, "a packet from a client names a listener");
    const ip = this.#locals.ipOf(packet.local);
    const server = ip === undefined ? address : { ip, port: address.port };
    const client = packet.from.toAddress();
    return { transport: "udp", client, server, socket: packet.socket, local: packet.local };
  }

  /** @throws {SystemError} if it cannot be watched; the descriptor is then still the caller's */
  openRelay(descriptor: number, address: TransportAddress): RelayId {
    const relay = this.#sockets.add(descriptor, address);
    try {
      this.#poller.add(descriptor, relay);
    } catch (failure) {
      this.#sockets.remove(relay);
      throw failure;
    }
    if (this.#trains) offer(this.#libc, descriptor, SOL_UDP, UDP_GRO, 1);
    return relay;
  }

  closeRelay(relay: RelayId): void {
    assert(relay >= this.#listeners, "only relays are closed one by one");
    if (this.#sockets.retire(relay)) this.#closing.push(relay);
  }

  readonly releasesRelays = true;

  releaseRelay(relay: RelayId): number {
    assert(relay >= this.#listeners && this.#sockets.retire(relay), "only an open relay is given away");
    this.#leaving.push(relay);
    const descriptor = this.#sockets.descriptorOf(relay);
    this.#poller.remove(descriptor);
    if (this.#trains) offer(this.#libc, descriptor, SOL_UDP, UDP_GRO, 0);
    return descriptor;
  }

  /** Sends what is queued, then closes what is closed, and frees the turn's memory. */
  #settle(): void {
    if (this.#send.waiting) this.#send.flush();
    this.#receive.clear();
    this.#staging.clear();
    for (const relay of this.#leaving) this.#sockets.remove(relay);
    if (this.#leaving.length > 0) this.#leaving = [];
    if (this.#closing.length === 0) return;
    for (const relay of this.#closing) {
      close(this.#libc, this.#sockets.descriptorOf(relay));
      this.#sockets.remove(relay);
    }
    this.#closing = [];
  }

  /** Closes listeners, relays and poller; queued datagrams are lost. */
  close(): void {
    for (let socket = 0; socket < this.#sockets.bound; socket++) {
      const descriptor = this.#sockets.descriptorOf(socket);
      if (descriptor >= 0) close(this.#libc, descriptor);
    }
    this.#poller.close();
    this.#arena.release();
  }
}
