import { assert } from "../../lib/assert.ts";
import { type Libc, MADV_DONTNEED, MADV_NOHUGEPAGE, SystemError } from "../libc.ts";

/**
 * Native memory, mapped once and handed out piece by piece, that no collector can move.
 *
 * Pages cost nothing until they are touched: a large arena of which a small part is used is a small one.
 */
export class Arena {
  /** All of it. A piece is named by its offset here. */
  readonly bytes: Uint8Array;
  /** The same, for numbers wider than an octet. */
  readonly view: DataView;
  /** Where the system sees offset 0. */
  readonly address: number;
  readonly #libc: Libc;
  #taken = 0;

  /** @throws {SystemError} if the system has no memory left */
  constructor(libc: Libc, bytes: number) {
    this.#libc = libc;
    this.address = libc.mapMemory(bytes);
    if (this.address === 0) throw new SystemError("mmap", libc.errno());
    // A huge page would make two megabytes resident for the first octet of each.
    libc.madvise(this.address, bytes, MADV_NOHUGEPAGE);
    this.bytes = libc.viewOf(this.address, bytes);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, bytes);
  }

  /** Takes the next piece, all zero, for as long as the arena lives. */
  take(bytes: number, alignment = 8): number {
    const offset = Math.ceil(this.#taken / alignment) * alignment;
    assert(offset + bytes <= this.bytes.length, "an arena holds what is laid out in it");
    this.#taken = offset + bytes;
    return offset;
  }

  /** Gives the pages of a piece back to the system: its octets are lost, its place is kept. */
  forget(offset: number, bytes: number): void {
    const start = Math.ceil((this.address + offset) / PAGE) * PAGE;
    const end = Math.floor((this.address + offset + bytes) / PAGE) * PAGE;
    if (end > start) this.#libc.madvise(start, end - start, MADV_DONTNEED);
  }

  /** Writes a pointer to a piece of this arena, little-endian. */
  point(at: number, offset: number): void {
    const target = this.address + offset;
    this.view.setUint32(at, target >>> 0, true);
    this.view.setUint32(at + 4, Math.floor(target / 2 ** 32), true);
  }

  /** Gives all of it back to the system. It stays mapped, so that a view somebody kept reads zero and does no harm. */
  release(): void {
    this.forget(0, this.bytes.length);
  }
}

/** The largest page of the systems we know: 64 KiB on some arm64 kernels. */
const PAGE = 65_536;
