import { concat, readUint16 } from "../lib/bytes.ts";
import { CHANNEL_HEADER_BYTES, isChannelNumber } from "./channel-data.ts";
import { beginsLikeStun, bodyLength, HEADER_BYTES } from "./header.ts";

/** Where a STUN message or ChannelData lies. One object moves from frame to frame; it holds until the next call. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** Without the padding of ChannelData. */
  readonly length: number;
}

const PEEK_BYTES = 8; // up to the cookie: enough to tell that this is STUN
const USUAL_FRAME_BYTES = 2048;
const NO_FRAME = -1;

/**
 * Cuts STUN messages and ChannelData out of a byte stream, wherever the network cut it.
 *
 * A frame that lies whole within what was pushed is shown where it lies; only one that spans pushes is copied. At most
 * one frame is ever held, of the length that its header says.
 *
 * @see RFC 8489 §6.2.2; RFC 8656 §12.5
 */
export class Framer {
  readonly #frame: { bytes: Uint8Array; offset: number; length: number } = { bytes: new Uint8Array(0), offset: 0, length: 0 };
  #chunk: Uint8Array = new Uint8Array(0);
  /** What of the chunk has not been shown. */
  #at = 0;
  #end = 0;
  #partial: Uint8Array = new Uint8Array(0);
  #partialLength = 0;
  #broken = false;

  /** Whether octets came that begin neither: the stream has lost its step, and nothing more comes out. */
  get broken(): boolean {
    return this.#broken;
  }

  /**
   * Takes what came, which lies from `start` to `end`. The octets must stay as they are until {@link next} has said
   * `undefined`, or until {@link keep}.
   */
  push(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (this.#broken) return;
    if (this.#at < this.#end) {
      this.#own(concat(this.#chunk.subarray(this.#at, this.#end), bytes.subarray(start, end)));
    } else {
      this.#chunk = bytes;
      this.#at = start;
      this.#end = end;
    }
  }

  /** Copies what was pushed and not shown: whoever pushed it may use its memory again. */
  keep(): void {
    this.#own(this.#chunk.slice(this.#at, this.#end));
  }

  /** The next whole frame, or `undefined` until more comes. */
  next(): Frame | undefined {
    if (this.#broken) return undefined;
    if (this.#partialLength > 0) return this.#finishPartial();
    const available = this.#end - this.#at;
    const needed = octetsNeeded(this.#chunk, this.#at, available);
    if (needed === NO_FRAME) return this.#break();
    if (needed > available) return this.#keepRest(available);
    this.#at += needed;
    return this.#show(this.#chunk, this.#at - needed);
  }

  /** Takes what has come and was not shown: a copy, for it belongs to no frame. */
  takeRest(): Uint8Array {
    const rest = concat(this.#partial.subarray(0, this.#partialLength), this.#chunk.subarray(this.#at, this.#end));
    this.#own(new Uint8Array(0));
    this.#partialLength = 0;
    return rest;
  }

  #own(bytes: Uint8Array): void {
    this.#chunk = bytes;
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Copies the beginning of a frame whose end is still to come. */
  #keepRest(available: number): undefined {
    if (available > 0) {
      if (this.#partial.length > USUAL_FRAME_BYTES) this.#partial = new Uint8Array(0);
      this.#fillTo(available);
    }
    this.#at = this.#end;
    return undefined;
  }

  /** Takes no octet more than the frame has: first what tells its length, then the rest. */
  #finishPartial(): Frame | undefined {
    for (;;) {
      const needed = octetsNeeded(this.#partial, 0, this.#partialLength);
      if (needed === NO_FRAME) return this.#break();
      if (needed === this.#partialLength) break;
      this.#fillTo(needed);
      if (this.#partialLength < needed) return undefined;
    }
    this.#partialLength = 0;
    return this.#show(this.#partial, 0);
  }

  /** Moves octets of the chunk behind the partial frame, until it has so many or the chunk is used up. */
  #fillTo(length: number): void {
    const count = Math.min(length - this.#partialLength, this.#end - this.#at);
    this.#reserve(length);
    this.#partial.set(this.#chunk.subarray(this.#at, this.#at + count), this.#partialLength);
    this.#partialLength += count;
    this.#at += count;
  }

  #reserve(length: number): void {
    if (this.#partial.length >= length) return;
    const larger = new Uint8Array(Math.max(length, USUAL_FRAME_BYTES));
    larger.set(this.#partial.subarray(0, this.#partialLength));
    this.#partial = larger;
  }

  #show(bytes: Uint8Array, offset: number): Frame {
    const headerBytes = isStun(bytes, offset) ? HEADER_BYTES : CHANNEL_HEADER_BYTES;
    this.#frame.bytes = bytes;
    this.#frame.offset = offset;
    this.#frame.length = headerBytes + bodyLength(bytes, offset);
    return this.#frame;
  }

  #break(): undefined {
    this.#broken = true;
    this.#own(new Uint8Array(0));
    this.#partial = this.#chunk;
    return undefined;
  }
}

/**
 * How many octets a frame has, padding included; or, where too few are there to tell, how many tell more.
 * {@link NO_FRAME} if nothing of ours begins like that.
 */
function octetsNeeded(bytes: Uint8Array, offset: number, available: number): number {
  if (available < CHANNEL_HEADER_BYTES) return CHANNEL_HEADER_BYTES;
  if (isStun(bytes, offset)) {
    if (available < PEEK_BYTES) return PEEK_BYTES;
    return beginsLikeStun(bytes, offset) ? HEADER_BYTES + bodyLength(bytes, offset) : NO_FRAME;
  }
  if (!isChannelNumber(readUint16(bytes, offset))) return NO_FRAME;
  return (CHANNEL_HEADER_BYTES + bodyLength(bytes, offset) + 3) & ~3;
}

/** The first two bits tell STUN from ChannelData (RFC 8656 §12). */
function isStun(bytes: Uint8Array, offset: number): boolean {
  return ((bytes[offset] ?? 0) & 0xc0) === 0;
}
