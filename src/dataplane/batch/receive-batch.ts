import type { Packet } from "../plane.ts";
import { EAGAIN, EBADF, EFAULT, EINTR, ENOTSOCK, type Libc, MSG_DONTWAIT, MSG_TRUNC, SystemError } from "../libc.ts";
import type { SocketAddress } from "../../net/socket-address.ts";
import type { Arena } from "./arena.ts";
import {
  CONTROL_BYTES,
  HEADER_BYTES,
  IOVEC_BYTES,
  NAME_BYTES,
  readLocalAddress,
  readName,
  readSegmentSize,
  receivedFlags,
  receivedLength,
  writeHeader,
  writeIovec,
  writeLengths,
} from "./messages.ts";

/** Octets free before each datagram (before the first of a train, until it is spread): a ChannelData header goes there without a copy. */
export const HEADROOM = 4;

const LINE_BYTES = 64;
/** What of a slot is touched by ordinary datagrams, and stays in memory. */
const ORDINARY_BYTES = 4096;
/** So many slots, those that every turn uses first, keep what larger ones have touched; the others give it back to the system. */
const SLOTS_KEPT = 32;
/** How many datagrams a train has at most, in any kernel. */
const MOST_IN_TRAIN = 128;

/** The memory that one turn's datagrams arrive in, laid out once and reused for the life of the thread. */
export class ReceiveBatch {
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #slots: number;
  readonly #stride: number;
  readonly #headers: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #data: number;
  #filled = 0;
  /** The slots of this turn up to the last one with a large message. */
  #large = 0;

  /** @param slotBytes the longest datagram that arrives whole; memory is used only as far as datagrams reach */
  constructor(libc: Libc, arena: Arena, { slots, slotBytes }: { slots: number; slotBytes: number }) {
    this.#libc = libc;
    this.#arena = arena;
    this.#slots = slots;
    this.#stride = strideOf(slotBytes);
    this.#headers = arena.take(slots * HEADER_BYTES, 64);
    this.#names = arena.take(slots * NAME_BYTES, 64);
    this.#controls = arena.take(slots * CONTROL_BYTES, 64);
    const iovecs = arena.take(slots * IOVEC_BYTES, 64);
    this.#data = arena.take(slots * this.#stride, 64);
    for (let slot = 0; slot < slots; slot++) {
      const header = this.#headers + slot * HEADER_BYTES;
      const iovec = iovecs + slot * IOVEC_BYTES;
      writeIovec(arena, iovec, this.#dataOf(slot), slotBytes);
      writeHeader(arena, header, this.#names + slot * NAME_BYTES, iovec, 1, this.#controls + slot * CONTROL_BYTES);
      writeLengths(arena.view, header, NAME_BYTES, CONTROL_BYTES);
    }
  }

  /** How many octets of an arena it takes. */
  static bytes({ slots, slotBytes }: { slots: number; slotBytes: number }): number {
    return slots * (HEADER_BYTES + NAME_BYTES + CONTROL_BYTES + IOVEC_BYTES + strideOf(slotBytes)) + 5 * 64;
  }

  /** Slots that are free in this turn. */
  get room(): number {
    return this.#slots - this.#filled;
  }

  /** The first slot that the next {@link receive} fills. */
  get next(): number {
    return this.#filled;
  }

  /**
   * Takes what waits on a socket, at most `limit` datagrams, without blocking.
   *
   * @returns how many came; they keep the next slots until {@link clear}, so that they can be sent from where they lie
   * @throws {SystemError} for a descriptor that is none: our bug, not traffic
   */
  receive(descriptor: number, limit: number): number {
    const room = Math.min(limit, this.#slots - this.#filled);
    const headers = this.#arena.address + this.#headers + this.#filled * HEADER_BYTES;
    for (let attempt = 0; room > 0 && attempt < ATTEMPTS; attempt++) {
      const count = this.#libc.recvmmsg(descriptor, headers, room, MSG_DONTWAIT, 0);
      if (count >= 0) {
        this.#filled += count;
        return count;
      }
      const errno = this.#libc.errno();
      if (errno === EAGAIN) return 0;
      if (errno === EBADF || errno === ENOTSOCK || errno === EFAULT) throw new SystemError("recvmmsg", errno);
      // Interrupted, or the report of an error about an earlier datagram of ours, which hides what waits behind it.
      if (errno !== EINTR) this.#restore(this.#filled, this.#filled + room);
    }
    return 0;
  }

  /**
   * Moves a cursor to the datagram in a slot.
   *
   * @returns false if it was longer than the slot: then it is not whole, and nobody's
   */
  read(slot: number, into: Packet): boolean {
    const { view, bytes } = this.#arena;
    const header = this.#headers + slot * HEADER_BYTES;
    if ((receivedFlags(view, header) & MSG_TRUNC) !== 0) return false;
    into.bytes = bytes;
    into.offset = this.#dataOf(slot);
    into.length = receivedLength(view, header);
    readName(view, this.#names + slot * NAME_BYTES, into.from);
    if (into.length > ORDINARY_BYTES) this.#large = slot + 1;
    return true;
  }

  /** The size of the datagrams in a slot where a train of them arrived as one message; 0 where it is a single one. */
  segmentBytes(slot: number): number {
    return readSegmentSize(this.#arena.view, this.#headers + slot * HEADER_BYTES, this.#controls + slot * CONTROL_BYTES);
  }

  /** Moves the datagrams of a train apart, so that each has its headroom; returns how far it is from one to the next. */
  spread(slot: number, length: number, segmentBytes: number): number {
    const { bytes } = this.#arena;
    const data = this.#dataOf(slot);
    for (let i = Math.ceil(length / segmentBytes) - 1; i > 0; i--) {
      const from = data + i * segmentBytes;
      bytes.copyWithin(from + i * HEADROOM, from, Math.min(from + segmentBytes, data + length));
    }
    return segmentBytes + HEADROOM;
  }

  /** Reads the local address that the datagram in a slot came to; whether the socket tells. */
  readLocal(slot: number, into: SocketAddress): boolean {
    const header = this.#headers + slot * HEADER_BYTES;
    return readLocalAddress(this.#arena.view, header, this.#controls + slot * CONTROL_BYTES, into);
  }

  /** Frees all slots: the turn is flushed. */
  clear(): void {
    this.#restore(0, this.#filled);
    this.#filled = 0;
    if (this.#large > SLOTS_KEPT)
      this.#arena.forget(this.#data + SLOTS_KEPT * this.#stride, (this.#large - SLOTS_KEPT) * this.#stride);
    this.#large = 0;
  }

  /** The kernel wrote what it used of name and control over the room that it had. */
  #restore(from: number, to: number): void {
    for (let slot = from; slot < to; slot++) {
      writeLengths(this.#arena.view, this.#headers + slot * HEADER_BYTES, NAME_BYTES, CONTROL_BYTES);
    }
  }

  #dataOf(slot: number): number {
    return this.#data + slot * this.#stride + LINE_BYTES;
  }
}

/** Errors about earlier datagrams that one receive looks past. */
const ATTEMPTS = 4;

/**
 * From slot to slot; the headroom lies at the end of the cache line before the datagram. An odd number of lines:
 * a multiple of 4 KiB would make all slots want the same lines of the processor's cache.
 */
function strideOf(slotBytes: number): number {
  const lines = Math.ceil((LINE_BYTES + slotBytes + MOST_IN_TRAIN * HEADROOM) / LINE_BYTES);
  return (lines + ((97 - (lines % 64)) % 64)) * LINE_BYTES;
}
