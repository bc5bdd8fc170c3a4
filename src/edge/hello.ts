import { concat, readUint16 } from "../lib/bytes.ts";

/** How many octets a ClientHello may take on the wire, headers of its records included. */
export const MAX_HELLO_BYTES = 16_384;

const RECORD_HEADER_BYTES = 5;
const RECORD_HANDSHAKE = 22;
const MAX_RECORD_BYTES = 16_384;
const HANDSHAKE_HEADER_BYTES = 4;
const HANDSHAKE_CLIENT_HELLO = 1;
const EXTENSION_SERVER_NAME = 0; // RFC 6066 §3
const EXTENSION_ALPN = 16; // RFC 7301 §3.1
const NAME_TYPE_HOST = 0;

/** What a ClientHello says before anything is encrypted (RFC 8446 §4.1.2). */
export interface ClientHello {
  /** SNI in lower case, or `undefined` if the client named none. */
  readonly serverName: string | undefined;
  /** The protocols it offers, in its order; empty if it offers none. */
  readonly alpn: readonly string[];
}

/**
 * What has come so far.
 *
 * `not a hello` is no TLS at all and may be answered in plain text; `malformed` began like TLS and went wrong, so that
 * a TLS stack should refuse it in its own words.
 */
export type HelloState = "not yet" | "not a hello" | "malformed" | ClientHello;

/**
 * Reads a ClientHello off the front of a stream, however it is cut into segments and records.
 *
 * Nothing is taken away: {@link bytes} is all that was pushed, for whoever terminates the connection.
 */
export class HelloReader {
  readonly #segments: Uint8Array[] = [];
  #wireBytes = 0;
  #state: HelloState = "not yet";
  readonly #recordHeader = new Uint8Array(RECORD_HEADER_BYTES);
  #headerFilled = 0;
  #recordLeft = 0;
  #handshake = new Uint8Array(512);
  #handshakeFilled = 0;

  /** Takes the next segment. After anything but `not yet` the answer stays, and the segment is only kept. */
  push(segment: Uint8Array): HelloState {
    this.#segments.push(segment);
    let at = 0;
    while (this.#state === "not yet" && at < segment.length) {
      const taken = this.#recordLeft === 0 ? this.#takeHeader(segment, at) : this.#takeFragment(segment, at);
      at += taken;
      this.#wireBytes += taken;
      if (this.#state === "not yet" && this.#wireBytes >= MAX_HELLO_BYTES) this.#state = "malformed";
    }
    return this.#state;
  }

  /** All that was pushed, joined. */
  bytes(): Uint8Array {
    const [only] = this.#segments;
    return this.#segments.length === 1 && only !== undefined ? only : concat(...this.#segments);
  }

  /** One octet of a record's header: each is judged when it comes, for no TLS client begins with `G`. */
  #takeHeader(segment: Uint8Array, at: number): number {
    const octet = segment[at] ?? 0;
    const index = this.#headerFilled;
    this.#recordHeader[index] = octet;
    this.#headerFilled += 1;
    const right = index === 0 ? octet === RECORD_HANDSHAKE : index !== 1 || octet === 3;
    if (!right) this.#state = this.#handshakeFilled === 0 ? "not a hello" : "malformed";
    if (this.#headerFilled === RECORD_HEADER_BYTES) {
      this.#headerFilled = 0;
      this.#recordLeft = readUint16(this.#recordHeader, 3);
      if (this.#recordLeft === 0 || this.#recordLeft > MAX_RECORD_BYTES) this.#state = "malformed";
    }
    return 1;
  }

  #takeFragment(segment: Uint8Array, at: number): number {
    const count = Math.min(this.#recordLeft, segment.length - at, MAX_HELLO_BYTES - this.#wireBytes);
    this.#reserve(this.#handshakeFilled + count);
    this.#handshake.set(segment.subarray(at, at + count), this.#handshakeFilled);
    this.#handshakeFilled += count;
    this.#recordLeft -= count;
    if (this.#handshake[0] !== HANDSHAKE_CLIENT_HELLO) {
      this.#state = "malformed";
    } else if (this.#handshakeFilled >= HANDSHAKE_HEADER_BYTES) {
      const end = HANDSHAKE_HEADER_BYTES + (((this.#handshake[1] ?? 0) << 16) | readUint16(this.#handshake, 2));
      if (end > MAX_HELLO_BYTES) this.#state = "malformed";
      else if (this.#handshakeFilled >= end)
        this.#state = parseBody(this.#handshake.subarray(HANDSHAKE_HEADER_BYTES, end)) ?? "malformed";
    }
    return count;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#handshake.length) return;
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#handshake.length));
    larger.set(this.#handshake.subarray(0, this.#handshakeFilled));
    this.#handshake = larger;
  }
}

/** A cursor over length-prefixed vectors (RFC 8446 §3.4); what reaches past the end is `undefined`. */
class Vectors {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next `count` octets. */
  fixed(count: number): Uint8Array | undefined {
    if (count > this.#bytes.length - this.#at) return undefined;
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** The next number of one or two octets. */
  number(width: 1 | 2): number | undefined {
    const octets = this.fixed(width);
    if (octets === undefined) return undefined;
    return width === 1 ? octets[0] : readUint16(octets, 0);
  }

  /** The next vector, whose length stands before it in one or two octets. */
  vector(width: 1 | 2): Uint8Array | undefined {
    const length = this.number(width);
    return length === undefined ? undefined : this.fixed(length);
  }
}

function parseBody(body: Uint8Array): ClientHello | undefined {
  const vectors = new Vectors(body);
  const opening = vectors.fixed(2 + 32); // version and random
  const lists = [vectors.vector(1), vectors.vector(2), vectors.vector(1)]; // session id, cipher suites, compressions
  if (opening === undefined || lists.includes(undefined)) return undefined;
  if (vectors.atEnd) return { serverName: undefined, alpn: [] }; // TLS 1.2 without extensions
  const block = vectors.vector(2);
  if (block === undefined || !vectors.atEnd) return undefined;

  let serverName: string | undefined;
  let alpn: readonly string[] = [];
  const extensions = new Vectors(block);
  while (!extensions.atEnd) {
    const type = extensions.number(2);
    const value = extensions.vector(2);
    if (type === undefined || value === undefined) return undefined;
    if (type === EXTENSION_SERVER_NAME) {
      serverName = parseServerName(value);
      if (serverName === undefined) return undefined;
    } else if (type === EXTENSION_ALPN) {
      const protocols = parseAlpn(value);
      if (protocols === undefined) return undefined;
      alpn = protocols;
    }
  }
  return { serverName, alpn };
}

/** RFC 6066 §3: a list, of which the one host name counts. */
function parseServerName(value: Uint8Array): string | undefined {
  const list = new Vectors(value).vector(2);
  if (list === undefined || list.length + 2 !== value.length) return undefined;
  const names = new Vectors(list);
  while (!names.atEnd) {
    const type = names.number(1);
    const name = names.vector(2);
    if (type === undefined || name === undefined) return undefined;
    const text = latin1(name);
    if (type === NAME_TYPE_HOST) return /^[\x21-\x7e]{1,255}$/.test(text) ? text.toLowerCase() : undefined;
  }
  return undefined;
}

/** RFC 7301 §3.1: names of 1 to 255 octets, at least one. */
function parseAlpn(value: Uint8Array): string[] | undefined {
  const list = new Vectors(value).vector(2);
  if (list === undefined || list.length === 0 || list.length + 2 !== value.length) return undefined;
  const protocols: string[] = [];
  const names = new Vectors(list);
  while (!names.atEnd) {
    const name = names.vector(1);
    if (name === undefined || name.length === 0) return undefined;
    protocols.push(latin1(name));
  }
  return protocols;
}

function latin1(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}
