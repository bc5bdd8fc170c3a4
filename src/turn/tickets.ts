import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { concat, equalBytes, readUint16, writeUint16 } from "../lib/bytes.ts";
import type { Random } from "../lib/random.ts";
import type { Secret } from "../lib/secret.ts";
import type { RelayPlace } from "./relay-ports.ts";

/** What a MOBILITY-TICKET says to us; to clients it is opaque. */
export interface Ticket {
  /** The allocation's own, as long as it lives: octets as a map key. */
  readonly id: string;
  /** Its relayed ports when it was made: whoever has the allocation owns those of them that it has still. */
  readonly places: readonly RelayPlace[];
  /** Counts the tickets that the client is known to have used. */
  readonly generation: number;
  /** Whether the allocation may be refreshed with an expired credential. */
  readonly outlivesCredential: boolean;
}

/** Generations begin again behind this many. */
const GENERATIONS = 0x1_0000;

const CIPHER = "aes-256-ctr";
const COUNTER_OCTETS = 16;
const TAG_OCTETS = 12;
const SALT_OCTETS = 3;
const ID_OCTETS = 8;
const MAX_PLACES = 2;
const PLACE_OCTETS = 3;
const GENERATION_AT = SALT_OCTETS + ID_OCTETS;
const FLAGS_AT = GENERATION_AT + 2;
const PLACES_AT = FLAGS_AT + 1;
const TEXT_OCTETS = PLACES_AT + MAX_PLACES * PLACE_OCTETS;
/** There are clients that have room for no more, and keep it as a text that ends with a 0. */
const TICKET_OCTETS = TAG_OCTETS + TEXT_OCTETS;

/** The flags: whether it outlives its credential, and above that how many places there are. */
const OUTLIVES = 1;
const COUNT_SHIFT = 1;

/** The generation behind another. */
export function nextGeneration(generation: number): number {
  return (generation + 1) % GENERATIONS;
}

/**
 * Seals and opens tickets under a secret that all threads share: nobody else can make one, or read what it says.
 *
 * The tag, a MAC of the text, is also what the cipher begins with (as in RFC 5297): no counter has to be kept, and none
 * comes twice but for the same text, which has chance in it.
 *
 *     | tag … 12 | salt … 3, id … 8, generation … 2, flags … 1, twice a port … 2 and its address … 1 |
 *
 * @see RFC 8016 §3.1.2
 */
export class Tickets {
  readonly #macKey: Uint8Array;
  readonly #cipherKey: Uint8Array;
  readonly #random: Random;

  constructor(secret: Secret, random: Random) {
    this.#macKey = createHmac("sha256", secret.reveal()).update("mobility ticket 1: tag").digest();
    this.#cipherKey = createHmac("sha256", secret.reveal()).update("mobility ticket 1: text").digest();
    this.#random = random;
  }

  /** A fresh id for an allocation. */
  newId(): string {
    return String.fromCharCode(...this.#random.bytes(ID_OCTETS));
  }

  /** The ticket as it goes on the wire; no two are the same octets, and no octet is 0. */
  seal(ticket: Ticket): Uint8Array {
    for (;;) {
      const sealed = this.#seal(ticket);
      if (!sealed.includes(0)) return sealed;
    }
  }

  #seal({ id, places, generation, outlivesCredential }: Ticket): Uint8Array {
    const text = new Uint8Array(TEXT_OCTETS);
    text.set(this.#random.bytes(SALT_OCTETS));
    for (let i = 0; i < ID_OCTETS; i++) text[SALT_OCTETS + i] = id.charCodeAt(i);
    writeUint16(text, GENERATION_AT, generation);
    text[FLAGS_AT] = (outlivesCredential ? OUTLIVES : 0) | (places.length << COUNT_SHIFT);
    for (const [i, { address, port }] of places.entries()) {
      const at = PLACES_AT + i * PLACE_OCTETS;
      writeUint16(text, at, port);
      text[at + 2] = address;
    }
    const tag = this.#tagOf(text);
    return concat(tag, createCipheriv(CIPHER, this.#cipherKey, counterOf(tag)).update(text));
  }

  /** What a ticket says; `undefined` for whatever is not one of ours. */
  open(sealed: Uint8Array): Ticket | undefined {
    if (sealed.length !== TICKET_OCTETS) return undefined;
    const tag = sealed.subarray(0, TAG_OCTETS);
    const text = createDecipheriv(CIPHER, this.#cipherKey, counterOf(tag)).update(sealed.subarray(TAG_OCTETS));
    if (!equalBytes(tag, this.#tagOf(text))) return undefined;
    const flags = text[FLAGS_AT] ?? 0;
    return {
      id: String.fromCharCode(...text.subarray(SALT_OCTETS, GENERATION_AT)),
      generation: readUint16(text, GENERATION_AT),
      outlivesCredential: (flags & OUTLIVES) !== 0,
      places: Array.from({ length: flags >> COUNT_SHIFT }, (_, i) => {
        const at = PLACES_AT + i * PLACE_OCTETS;
        return { port: readUint16(text, at), address: text[at + 2] ?? 0 };
      }),
    };
  }

  #tagOf(text: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#macKey).update(text).digest().subarray(0, TAG_OCTETS);
  }
}

function counterOf(tag: Uint8Array): Uint8Array {
  const counter = new Uint8Array(COUNTER_OCTETS);
  counter.set(tag);
  return counter;
}
