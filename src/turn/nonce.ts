import { createHmac } from "node:crypto";
import { equalBytes, readUint16, writeUint16, writeUint32 } from "../lib/bytes.ts";
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

/** Six bits a character; the first 36 are the digits of base 36. */
const CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

const TRANSPORT_NUMBER: Readonly<Record<Transport, number>> = { udp: 0, tcp: 1, tls: 2 };

/**
 * Nonces that nobody remembers: the second of issue, and a MAC that binds it to the client's address, port and
 * transport. On streams they begin with the cookie that offers password algorithms; on UDP every octet counts.
 *
 *     | cookie, on streams … 13 characters | second, base 36 … 6 | HMAC-SHA256 of all, six bits a character, cut … 10 |
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
    return this.#octets(from, Math.floor(now.monotonicMs / 1000));
  }

  /** Whether a nonce is one that we gave to this client, not longer ago than nonces live. */
  isValid(nonce: Uint8Array, from: FiveTuple, now: Instant): boolean {
    const cookie = from.transport === "udp" ? 0 : STREAM_COOKIE.length;
    if (nonce.length !== cookie + SECOND_DIGITS + MAC_CHARACTERS) return false;
    let second = 0;
    for (let i = cookie; i < cookie + SECOND_DIGITS; i++) second = second * BASE + digitOf(nonce[i] ?? 0);
    const age = Math.floor(now.monotonicMs / 1000) - second;
    const isYoung = age >= -SKEW_SECONDS && age * 1000 <= NONCE_LIFETIME_MS;
    return isYoung && equalBytes(nonce, this.#octets(from, second));
  }

  #octets({ transport, client: { ip, port } }: FiveTuple, second: number): Uint8Array {
    const input = this.#input;
    writeUint32(input, 0, second);
    input[4] = TRANSPORT_NUMBER[transport];
    writeUint16(input, 5, port);
    for (let i = 0; i < 16; i++) input[7 + i] = ip.octets[i] ?? 0;
    const mac = createHmac("sha256", this.#secret).update(input).digest();
    const cookie = transport === "udp" ? "" : STREAM_COOKIE;
    const nonce = new Uint8Array(cookie.length + SECOND_DIGITS + MAC_CHARACTERS);
    for (let i = 0; i < cookie.length; i++) nonce[i] = cookie.charCodeAt(i);
    let digits = second;
    for (let at = cookie.length + SECOND_DIGITS - 1; at >= cookie.length; at--) {
      nonce[at] = CHARACTERS.charCodeAt(digits % BASE);
      digits = Math.floor(digits / BASE);
    }
    for (let i = 0; i < MAC_CHARACTERS; i++) {
      const bit = 6 * i;
      const six = (readUint16(mac, bit >> 3) >> (10 - (bit & 7))) & 63;
      nonce[cookie.length + SECOND_DIGITS + i] = CHARACTERS.charCodeAt(six);
    }
    return nonce;
  }
}

/** What a digit of base 36 stands for; anything else makes the number one that is no second of ours. */
function digitOf(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  return octet >= 0x61 && octet <= 0x7a ? octet - 0x61 + 10 : Number.NaN;
}
