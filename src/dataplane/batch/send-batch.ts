import { Buffer } from "node:buffer";
import type { SocketAddress } from "../../net/socket-address.ts";
import {
  EAGAIN,
  EBADF,
  ECONNREFUSED,
  EFAULT,
  EINTR,
  EIO,
  ENOTSOCK,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_OMIT,
  IP_PMTUDISC_PROBE,
  IPPROTO_IP,
  type Libc,
  MSG_DONTWAIT,
  SystemError,
} from "../libc.ts";
import type { PlaneCounters } from "../plane.ts";
import { offer, segmentsDatagrams } from "../socket.ts";
import type { Arena } from "./arena.ts";
import type { LocalAddresses } from "./local-addresses.ts";
import {
  CONTROL_BYTES,
  equalNames,
  HEADER_BYTES,
  IOVEC_BYTES,
  NAME_BYTES,
  writeDontFragment,
  writeHeader,
  writeIovec,
  writeLengths,
  writeLocalAddress,
  writeName,
  writeSegmentSize,
} from "./messages.ts";
import type { SocketNumber, Sockets } from "./sockets.ts";

/** How much a batch holds before it must be flushed. */
export interface SendShape {
  readonly messages: number;
  /** For octets that do not lie in the arena. */
  readonly scratchBytes: number;
  /** false: the kernel is never asked to cut one message into many datagrams. */
  readonly segmentation?: boolean;
}

/** What a batch works on. */
export interface SendContext {
  readonly libc: Libc;
  readonly arena: Arena;
  readonly sockets: Sockets;
  readonly locals: LocalAddresses;
  readonly counters: PlaneCounters;
}

/**
 * What a turn sends, kept until its end and then given to the kernel socket by socket, in the order it was asked for.
 *
 * A run of equal datagrams (one socket, one destination, one size) leaves as one message that the kernel cuts.
 */
export class SendBatch {
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #sockets: Sockets;
  readonly #locals: LocalAddresses;
  readonly #counters: PlaneCounters;
  readonly #capacity: number;

  // Each datagram, in columns.
  readonly #offsets: Int32Array;
  readonly #lengths: Int32Array;
  readonly #nameLengths: Uint8Array;
  readonly #sources: Uint16Array;
  readonly #whole: Uint8Array;
  /** The next datagram of the same socket, or -1. */
  readonly #next: Int32Array;
  readonly #names: number;
  #count = 0;

  /** The sockets that have datagrams, and by number of socket the first and last of them. */
  readonly #busy: SocketNumber[] = [];
  #first = new Int32Array(64).fill(-1);
  #last = new Int32Array(64);

  // Each message of the call that is made just now.
  readonly #headers: number;
  readonly #iovecs: number;
  readonly #controls: number;
  /** The first datagram of each message, and how many it carries. */
  readonly #heads: Int32Array;
  readonly #segments: Uint8Array;

  readonly #scratch: number;
  readonly #scratchBytes: number;
  #scratchUsed = 0;
  #segmentation: boolean;

  constructor(
    { libc, arena, sockets, locals, counters }: SendContext,
    { messages, scratchBytes, segmentation = true }: SendShape,
  ) {
    this.#libc = libc;
    this.#arena = arena;
    this.#sockets = sockets;
    this.#locals = locals;
    this.#counters = counters;
    this.#capacity = messages;
    this.#offsets = new Int32Array(messages);
    this.#lengths = new Int32Array(messages);
    this.#nameLengths = new Uint8Array(messages);
    this.#sources = new Uint16Array(messages);
    this.#whole = new Uint8Array(messages);
    this.#next = new Int32Array(messages);
    this.#heads = new Int32Array(messages);
    this.#segments = new Uint8Array(messages);
    this.#names = arena.take(messages * NAME_BYTES, 64);
    this.#headers = arena.take(messages * HEADER_BYTES, 64);
    this.#iovecs = arena.take(messages * IOVEC_BYTES, 64);
    this.#controls = arena.take(messages * CONTROL_BYTES, 64);
    this.#scratch = arena.take(scratchBytes, 64);
    this.#scratchBytes = scratchBytes;
    this.#segmentation = segmentation && segmentsDatagrams(libc);
  }

  /** How many octets of an arena it takes. */
  static bytes({ messages, scratchBytes }: SendShape): number {
    return messages * (NAME_BYTES + HEADER_BYTES + IOVEC_BYTES + CONTROL_BYTES) + scratchBytes + 5 * 64;
  }

  /** Whether anything waits to be flushed. */
  get waiting(): boolean {
    return this.#count > 0;
  }

  /**
   * Queues a datagram. Octets in the arena stay where they are, others are copied; a full queue is flushed first.
   *
   * @param source the number of the local address it leaves from; 0 lets the system choose
   */
  add(
    socket: SocketNumber,
    source: number,
    to: SocketAddress,
    bytes: Uint8Array,
    offset: number,
    length: number,
    dontFragment: boolean,
  ): void {
    const inPlace = bytes === this.#arena.bytes;
    if (this.#count === this.#capacity || (!inPlace && this.#scratchUsed + length > this.#scratchBytes)) this.flush();
    const at = this.#count;
    const name = this.#names + at * NAME_BYTES;
    const nameLength = writeName(this.#arena.view, name, this.#sockets.familyOf(socket), to);
    if (nameLength === 0 || this.#sockets.descriptorOf(socket) < 0 || length > this.#scratchBytes) {
      this.#counters.sendDrops++;
      return;
    }
    this.#offsets[at] = inPlace ? offset : this.#copy(bytes, offset, length);
    this.#lengths[at] = length;
    this.#nameLengths[at] = nameLength;
    this.#sources[at] = source;
    this.#whole[at] = dontFragment ? 1 : 0;
    this.#append(socket, at);
    this.#count = at + 1;
  }

  /**
   * Sends all that waits. A datagram that the kernel refuses is dropped and counted, and only that one.
   *
   * @throws {SystemError} for a descriptor that is none: our bug, not traffic
   */
  flush(): void {
    for (const socket of this.#busy) {
      const first = this.#first[socket] ?? -1;
      this.#first[socket] = -1;
      this.#sendFrom(socket, first);
    }
    this.#busy.length = 0;
    this.#count = 0;
    this.#scratchUsed = 0;
  }

  #copy(bytes: Uint8Array, offset: number, length: number): number {
    const target = this.#scratch + this.#scratchUsed;
    // `set` would need a view of the piece, and so make an object for each datagram.
    Buffer.prototype.copy.call(bytes, this.#arena.bytes, target, offset, offset + length);
    this.#scratchUsed += length;
    return target;
  }

  #append(socket: SocketNumber, at: number): void {
    if (socket >= this.#first.length) this.#growTo(this.#sockets.bound);
    this.#next[at] = -1;
    if (this.#first[socket] === -1) {
      this.#first[socket] = at;
      this.#busy.push(socket);
    } else {
      this.#next[this.#last[socket] ?? 0] = at;
    }
    this.#last[socket] = at;
  }

  #growTo(sockets: number): void {
    const first = new Int32Array(2 * sockets).fill(-1);
    first.set(this.#first);
    const last = new Int32Array(first.length);
    last.set(this.#last);
    this.#first = first;
    this.#last = last;
  }

  /** Sends the datagrams of one socket: those with and without DF in turns, for on IPv4 it is the socket that says so. */
  #sendFrom(socket: SocketNumber, first: number): void {
    const descriptor = this.#sockets.descriptorOf(socket);
    if (this.#next[first] === -1 && this.#sendOne(descriptor, first)) return;
    const family = this.#sockets.familyOf(socket);
    for (let at = first; at >= 0; ) {
      const whole = this.#whole[at] === 1;
      const until = this.#endOfRun(at);
      const messages = this.#layOut(at, until, family);
      const bySocket = whole && family === 4;
      if (bySocket && !offer(this.#libc, descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)) this.#drop(0, messages);
      else this.#transmit(descriptor, family, messages);
      if (bySocket) this.#restoreFragmentation(descriptor);
      at = until;
    }
  }

  /**
   * Sends a datagram that is alone: if it is plain too, nothing need be laid out for it, and the call is a cheaper one.
   *
   * @returns whether it went; if it did not, there is more to it
   */
  #sendOne(descriptor: number, at: number): boolean {
    if (this.#sources[at] !== 0 || this.#whole[at] !== 0) return false;
    const { address } = this.#arena;
    const message = address + (this.#offsets[at] ?? 0);
    const name = address + this.#names + at * NAME_BYTES;
    return this.#libc.sendto(descriptor, message, this.#lengths[at] ?? 0, MSG_DONTWAIT, name, this.#nameLengths[at] ?? 0) >= 0;
  }

  #restoreFragmentation(descriptor: number): void {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (offer(this.#libc, descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT)) return;
    }
  }

  /** The first datagram that differs in DF, or -1. */
  #endOfRun(first: number): number {
    let at = first;
    while (at >= 0 && this.#whole[at] === this.#whole[first]) at = this.#next[at] ?? -1;
    return at;
  }

  /** Lays out datagrams up to one, as few messages as possible; returns how many. */
  #layOut(first: number, until: number, family: 4 | 6): number {
    let messages = 0;
    let iovecs = 0;
    for (let at = first; at !== until; ) {
      this.#heads[messages] = at;
      const head = at;
      const firstIovec = iovecs;
      let octets = 0;
      do {
        const length = this.#lengths[at] ?? 0;
        this.#writeIovec(iovecs++, at);
        octets += length;
        const before = at;
        at = this.#next[at] ?? -1;
        if (at === until || length !== this.#lengths[head] || !this.#joins(before, at, family)) break;
      } while (octets + (this.#lengths[at] ?? 0) <= MOST_OCTETS && iovecs - firstIovec < MOST_SEGMENTS);
      this.#segments[messages] = iovecs - firstIovec;
      this.#writeMessage(messages++, head, firstIovec, iovecs - firstIovec, family);
    }
    return messages;
  }

  /** Whether a datagram can go in one message with the one before it: alike, and no longer. */
  #joins(before: number, at: number, family: 4 | 6): boolean {
    const length = this.#lengths[before] ?? 0;
    return (
      this.#segmentation &&
      length <= (family === 4 ? MOST_SEGMENT_BYTES_IPV4 : MOST_SEGMENT_BYTES_IPV6) &&
      length > 0 &&
      (this.#lengths[at] ?? 0) > 0 &&
      (this.#lengths[at] ?? 0) <= length &&
      this.#sources[at] === this.#sources[before] &&
      equalNames(this.#arena.view, this.#names + at * NAME_BYTES, this.#names + before * NAME_BYTES, family)
    );
  }

  #writeIovec(iovec: number, at: number): void {
    writeIovec(this.#arena, this.#iovecs + iovec * IOVEC_BYTES, this.#offsets[at] ?? 0, this.#lengths[at] ?? 0);
  }

  #writeMessage(message: number, head: number, iovec: number, segments: number, family: 4 | 6): void {
    const { view } = this.#arena;
    const header = this.#headers + message * HEADER_BYTES;
    const control = this.#controls + message * CONTROL_BYTES;
    const source = this.#locals.at(this.#sources[head] ?? 0);
    let end = control;
    if (source !== undefined) end = writeLocalAddress(view, end, family, source);
    if (this.#whole[head] === 1 && family === 6) end = writeDontFragment(view, end);
    if (segments > 1) end = writeSegmentSize(view, end, this.#lengths[head] ?? 0);
    writeHeader(this.#arena, header, this.#names + head * NAME_BYTES, this.#iovecs + iovec * IOVEC_BYTES, segments, control);
    writeLengths(view, header, this.#nameLengths[head] ?? 0, end - control);
  }

  #transmit(descriptor: number, family: 4 | 6, messages: number): void {
    let attempts = 0;
    for (let at = 0; at < messages; ) {
      const address = this.#arena.address + this.#headers + at * HEADER_BYTES;
      const sent = this.#libc.sendmmsg(descriptor, address, messages - at, MSG_DONTWAIT);
      if (sent > 0) {
        at += sent;
        attempts = 0;
        continue;
      }
      const errno = sent === 0 ? EAGAIN : this.#libc.errno();
      if (errno === EINTR) continue;
      if (errno === EBADF || errno === ENOTSOCK || errno === EFAULT) throw new SystemError("sendmmsg", errno);
      if (errno === EAGAIN) {
        this.#drop(at, messages);
        return;
      }
      // Likely an error about an earlier datagram, told to whoever sends next. On an unconnected socket ECONNREFUSED is never else.
      if (attempts++ < (errno === ECONNREFUSED ? 4 : 1)) continue;
      if (errno === EIO) this.#segmentation = false;
      if ((this.#segments[at] ?? 1) > 1) {
        this.#sendApart(descriptor, family, at);
        return;
      }
      this.#counters.sendDrops++;
      at++;
      attempts = 0;
    }
  }

  /** Sends a message that the device or the path would not cut, and those behind it, a datagram at a time. */
  #sendApart(descriptor: number, family: 4 | 6, message: number): void {
    const head = this.#heads[message] ?? -1;
    const segmentation = this.#segmentation;
    this.#segmentation = false;
    this.#transmit(descriptor, family, this.#layOut(head, this.#endOfRun(head), family));
    this.#segmentation = segmentation;
  }

  /** Counts the datagrams of messages that are not sent. */
  #drop(from: number, to: number): void {
    for (let message = from; message < to; message++) this.#counters.sendDrops += this.#segments[message] ?? 1;
  }
}

/** What one message may carry: the longest UDP payload, and the kernel's limit on segments. */
const MOST_OCTETS = 65_000;
const MOST_SEGMENTS = 64;
/** Longer segments would not fit an Ethernet frame, and the kernel cuts nothing that it would then have to fragment. */
const MOST_SEGMENT_BYTES_IPV4 = 1500 - 20 - 8;
const MOST_SEGMENT_BYTES_IPV6 = 1500 - 40 - 8;
