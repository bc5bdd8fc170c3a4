import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { readUint16, readUint32, writeUint16, writeUint32 } from "../lib/bytes.ts";
import type { Random } from "../lib/random.ts";
import type { Secret } from "../lib/secret.ts";
import type { RelayPlace } from "./relay-ports.ts";

/** What a MOBILITY-TICKET says to us; to clients it is opaque. */
export interface Ticket {
  /** The allocation's own, as long as it lives: octets as a map key. */
  readonly id: string;
  /** Its relayed ports: whoever owns one of them owns the allocation. */
  readonly places: readonly RelayPlace[];
  /** Counts the tickets that the client is known to have used. */
  readonly generation: number;
  /** Whether the allocation may be refreshed with an expired credential. */
  readonly outlivesCredential: boolean;
}

const CIPHER = "aes-256-gcm";
const IV_OCTETS = 12;
const TAG_OCTETS = 16;
const ID_OCTETS = 8;
const MAX_PLACES = 2;
const PLACE_OCTETS = 3;
const PLACES_AT = ID_OCTETS + 4 + 1 + 1;
const TEXT_OCTETS = PLACES_AT + MAX_PLACES * PLACE_OCTETS;
const TICKET_OCTETS = IV_OCTETS + TEXT_OCTETS + TAG_OCTETS;

/**
 * Seals and opens tickets under a secret that all threads share: nobody else can make one, or read what it says.
 *
 *     | IV … 12 | id … 8, generation … 4, flags, count, twice a port … 2 and its address … 1 | tag … 16 |
 *
 * @see RFC 8016 §3.1.2
 */
export class Tickets {
  readonly #key: Uint8Array;
  readonly #random: Random;

  constructor(secret: Secret, random: Random) {
    this.#key = createHmac("sha256", secret.reveal()).update("mobility ticket 1").digest();
    this.#random = random;
  }

  /** A fresh id for an allocation. */
  newId(): string {
    return String.fromCharCode(...this.#random.bytes(ID_OCTETS));
  }

  /** The ticket as it goes on the wire; no two are the same octets. */
  seal({ id, places, generation, outlivesCredential }: Ticket): Uint8Array {
    const text = new Uint8Array(TEXT_OCTETS);
    for (let i = 0; i < ID_OCTETS; i++) text[i] = id.charCodeAt(i);
    writeUint32(text, 8, generation);
    text[12] = outlivesCredential ? 1 : 0;
    text[13] = places.length;
    for (const [i, { address, port }] of places.entries()) {
      const at = PLACES_AT + i * PLACE_OCTETS;
      writeUint16(text, at, port);
      text[at + 2] = address;
    }

    const iv = new Uint8Array(this.#random.bytes(IV_OCTETS));
    const cipher = createCipheriv(CIPHER, this.#key, iv);
    const sealed = new Uint8Array(TICKET_OCTETS);
    sealed.set(iv);
    sealed.set(cipher.update(text), IV_OCTETS);
    cipher.final();
    sealed.set(cipher.getAuthTag(), IV_OCTETS + TEXT_OCTETS);
    return sealed;
  }

  /** What a ticket says; `undefined` for whatever is not one of ours. */
  open(sealed: Uint8Array): Ticket | undefined {
    if (sealed.length !== TICKET_OCTETS) return undefined;
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, IV_OCTETS));
    decipher.setAuthTag(sealed.subarray(IV_OCTETS + TEXT_OCTETS));
    const text = decipher.update(sealed.subarray(IV_OCTETS, IV_OCTETS + TEXT_OCTETS));
    try {
      decipher.final();
    } catch {
      return undefined; // the tag is not ours
    }
    return {
      id: String.fromCharCode(...text.subarray(0, ID_OCTETS)),
      generation: readUint32(text, 8),
      outlivesCredential: text[12] === 1,
      places: Array.from({ length: text[13] ?? 0 }, (_, i) => {
        const at = PLACES_AT + i * PLACE_OCTETS;
        return { port: readUint16(text, at), address: text[at + 2] ?? 0 };
      }),
    };
  }
}
