import { createHmac } from "node:crypto";
import { readUint32, writeUint16, writeUint32 } from "../lib/bytes.ts";
import type { Secret } from "../lib/secret.ts";
import type { Instant } from "../lib/time.ts";
import type { FiveTuple, Transport } from "../net/address.ts";
import { NONCE_LIFETIME_MS } from "./settings.ts";

/** The nonce cookie and the security features behind it (RFC 8489 §9.2, §18.1): bit 0, password algorithms; never bit 1, username anonymity. */
const STREAM_COOKIE = "obMatJos2gAAA";
const TIME_BYTES = 4;
const MAC_BYTES = 8;
/** How far the clocks of two threads may stand apart. */
const SKEW_SECONDS = 2;

/**
 * Nonces that nobody remembers: the second of issue, and a MAC that binds it to the client's address, port and
 * transport. On streams they begin with the cookie that offers password algorithms; on UDP every octet counts.
 *
 *     | cookie, on streams … 13 characters | base64 of (second … 4, HMAC-SHA256 cut to 8) … 16 characters |
 *
 * @see RFC 8489 §9.2
 */
export class Nonces {
  readonly #secret: Uint8Array;
  readonly #input = new Uint8Array(TIME_BYTES + 3 + 16);

  /** @param secret shared by all threads, so that a nonce of one is good on all */
  constructor(secret: Secret) {
    this.#secret = secret.reveal();
  }

  /** A fresh nonce for a client, as it goes on the wire. */
  issue(from: FiveTuple, now: Instant): Uint8Array {
    return new TextEncoder().encode(this.#text(from, Math.floor(now.monotonicMs / 1000)));
  }

  /** Whether a nonce is one that we gave to this client, not longer ago than nonces live. */
  isValid(nonce: Uint8Array, from: FiveTuple, now: Instant): boolean {
    const cookie = from.transport === "udp" ? 0 : STREAM_COOKIE.length;
    if (nonce.length !== cookie + (4 * (TIME_BYTES + MAC_BYTES)) / 3) return false;
    const text = String.fromCharCode(...nonce);
    const second = secondOf(text.slice(cookie, cookie + 8));
    if (second === undefined) return false;
    const age = Math.floor(now.monotonicMs / 1000) - second;
    if (age < -SKEW_SECONDS || age * 1000 > NONCE_LIFETIME_MS) return false;
    return isSameText(text, this.#text(from, second));
  }

  #text(from: FiveTuple, second: number): string {
    const { ip, port } = from.client;
    const length = TIME_BYTES + 3 + ip.octets.length;
    writeUint32(this.#input, 0, second);
    this.#input[TIME_BYTES] = TRANSPORT_NUMBER[from.transport];
    writeUint16(this.#input, TIME_BYTES + 1, port);
    this.#input.set(ip.octets, TIME_BYTES + 3);
    const mac = createHmac("sha256", this.#secret).update(this.#input.subarray(0, length)).digest();
    const value = String.fromCharCode(...this.#input.subarray(0, TIME_BYTES), ...mac.subarray(0, MAC_BYTES));
    return (from.transport === "udp" ? "" : STREAM_COOKIE) + btoa(value);
  }
}

/** The second of issue, from its 8 characters; `undefined` if they are not base64. */
function secondOf(text: string): number | undefined {
  if (!/^[A-Za-z0-9+/]{8}$/.test(text)) return undefined;
  return readUint32(
    Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
    0,
  );
}

const TRANSPORT_NUMBER: Readonly<Record<Transport, number>> = { udp: 0, tcp: 1, tls: 2 };

/** Compares in a time that depends on the lengths alone. */
function isSameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
