import { createHmac } from "node:crypto";
import { writeUint16, writeUint32 } from "../lib/bytes.ts";
import type { Secret } from "../lib/secret.ts";
import type { Instant } from "../lib/time.ts";
import type { FiveTuple, Transport } from "../net/address.ts";
import { NONCE_LIFETIME_MS } from "./settings.ts";

/** The nonce cookie and the security features behind it (RFC 8489 §9.2, §18.1): bit 0, password algorithms; never bit 1, username anonymity. */
const STREAM_COOKIE = "obMatJos2gAAA";
/** Six digits of base 36 count the seconds of 68 years. */
const SECOND_DIGITS = 6;
const BASE = 36;
/** 60 bits. */
const MAC_CHARACTERS = 10;
/** How far the clocks of two threads may stand apart. */
const SKEW_SECONDS = 2;

const TRANSPORT_NUMBER: Readonly<Record<Transport, number>> = { udp: 0, tcp: 1, tls: 2 };

/**
 * Nonces that nobody remembers: the second of issue, and a MAC that binds it to the client's address, port and
 * transport. On streams they begin with the cookie that offers password algorithms; on UDP every octet counts.
 *
 *     | cookie, on streams … 13 characters | second, base 36 … 6 | HMAC-SHA256 of all, base64url, cut … 10 |
 *
 * @see RFC 8489 §9.2
 */
export class Nonces {
  readonly #secret: Uint8Array;
  /** Second, transport, port and address: what the MAC is over. */
  readonly #input = new Uint8Array(4 + 1 + 2 + 16);

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
    if (nonce.length !== cookie + SECOND_DIGITS + MAC_CHARACTERS) return false;
    const digits = String.fromCharCode(...nonce.subarray(cookie, cookie + SECOND_DIGITS));
    const second = Number.parseInt(digits, BASE);
    const age = Math.floor(now.monotonicMs / 1000) - second;
    const isYoung = age >= -SKEW_SECONDS && age * 1000 <= NONCE_LIFETIME_MS;
    return isYoung && isSame(nonce, this.#text(from, second));
  }

  #text({ transport, client: { ip, port } }: FiveTuple, second: number): string {
    const input = this.#input;
    writeUint32(input, 0, second);
    input[4] = TRANSPORT_NUMBER[transport];
    writeUint16(input, 5, port);
    input.set(ip.octets, 7);
    input.fill(0, 7 + ip.octets.length);
    const mac = createHmac("sha256", this.#secret).update(input).digest("base64url").slice(0, MAC_CHARACTERS);
    const cookie = transport === "udp" ? "" : STREAM_COOKIE;
    return cookie + second.toString(BASE).padStart(SECOND_DIGITS, "0") + mac;
  }
}

/** Compares in a time that depends on the lengths alone. */
function isSame(nonce: Uint8Array, text: string): boolean {
  let difference = nonce.length ^ text.length;
  for (let i = 0; i < text.length; i++) difference |= (nonce[i] ?? 0) ^ text.charCodeAt(i);
  return difference === 0;
}
