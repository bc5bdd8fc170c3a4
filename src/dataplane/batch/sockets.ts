import type { TransportAddress } from "../../net/address.ts";

/** The number of a socket within its plane: a listener's, or a relay's id. */
export type SocketNumber = number;

/**
 * The sockets of a plane, as numbers in columns: nothing is looked up in an object for a packet.
 *
 * A number that was freed comes again as late as possible, after every other free one.
 */
export class Sockets {
  #descriptors = new Int32Array(64).fill(-1);
  #families = new Uint8Array(64);
  #retired = new Uint8Array(64);
  readonly #addresses: (TransportAddress | undefined)[] = [];
  /** Freed numbers, the oldest at `#oldest`. */
  #freed: SocketNumber[] = [];
  #oldest = 0;

  /** Numbers run from 0 up to, not including, this. */
  get bound(): number {
    return this.#addresses.length;
  }

  /** Adds a socket, open from now on. */
  add(descriptor: number, address: TransportAddress): SocketNumber {
    const number = this.#rested() ?? this.#addresses.length;
    if (number >= this.#descriptors.length) this.#grow();
    this.#descriptors[number] = descriptor;
    this.#families[number] = address.ip.family;
    this.#retired[number] = 0;
    this.#addresses[number] = address;
    return number;
  }

  /** The descriptor, or -1 if no open socket has this number. */
  descriptorOf(number: SocketNumber): number {
    return this.#descriptors[number] ?? -1;
  }

  familyOf(number: SocketNumber): 4 | 6 {
    return this.#families[number] === 6 ? 6 : 4;
  }

  /** The address it is bound to. */
  addressOf(number: SocketNumber): TransportAddress | undefined {
    return this.#addresses[number];
  }

  /** Marks a socket that is to be closed: it still sends, but nobody hears of it any more. False if it is so already. */
  retire(number: SocketNumber): boolean {
    if (!this.isOpen(number)) return false;
    this.#retired[number] = 1;
    return true;
  }

  /** Whether it is there and not retired. */
  isOpen(number: SocketNumber): boolean {
    return this.descriptorOf(number) >= 0 && this.#retired[number] === 0;
  }

  /** Forgets a socket; its number is free for another. */
  remove(number: SocketNumber): void {
    this.#descriptors[number] = -1;
    this.#addresses[number] = undefined;
    this.#freed.push(number);
  }

  /** The number that was freed first, if enough were freed after it. */
  #rested(): SocketNumber | undefined {
    if (this.#freed.length - this.#oldest <= LEAST_REST) return undefined;
    const number = this.#freed[this.#oldest++];
    if (2 * this.#oldest > this.#freed.length) {
      this.#freed = this.#freed.slice(this.#oldest);
      this.#oldest = 0;
    }
    return number;
  }

  #grow(): void {
    const descriptors = new Int32Array(2 * this.#descriptors.length).fill(-1);
    descriptors.set(this.#descriptors);
    const families = new Uint8Array(descriptors.length);
    families.set(this.#families);
    const retired = new Uint8Array(descriptors.length);
    retired.set(this.#retired);
    this.#descriptors = descriptors;
    this.#retired = retired;
    this.#families = families;
  }
}

/** So many numbers rest before the first of them comes again. */
const LEAST_REST = 256;
