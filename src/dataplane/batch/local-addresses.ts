import type { IpAddress } from "../../net/ip.ts";
import { SocketAddress } from "../../net/socket-address.ts";

/**
 * Small numbers for the addresses of this host that datagrams came to, so that an answer leaves from the same one.
 *
 * 0 stands for none: the system chooses. An address, once numbered, keeps its number for the life of the plane.
 */
export class LocalAddresses {
  readonly #addresses: SocketAddress[] = [new SocketAddress()];
  readonly #values: (IpAddress | undefined)[] = [undefined];
  /** Open addressing: the number of the address at each place, 0 where there is none. */
  readonly #places = new Uint16Array(4 * MOST);

  /**
   * The number of an address; its port does not count.
   *
   * @returns 0 when there are too many: a host whose network routes whole prefixes to it has no end of addresses
   */
  numberOf(address: SocketAddress): number {
    let place = hash(address) & (this.#places.length - 1);
    for (;;) {
      const number = this.#places[place] ?? 0;
      if (number === 0) return this.#add(place, address);
      const known = this.#addresses[number];
      if (known !== undefined && sameIp(known, address)) return number;
      place = (place + 1) & (this.#places.length - 1);
    }
  }

  /** The address of a number, to send from. */
  at(number: number): SocketAddress | undefined {
    return number === 0 ? undefined : this.#addresses[number];
  }

  /** The same as a value, always the same one; `undefined` for 0. */
  ipOf(number: number): IpAddress | undefined {
    return this.#values[number];
  }

  #add(place: number, address: SocketAddress): number {
    const number = this.#addresses.length;
    if (number > MOST) return 0;
    const copy = new SocketAddress();
    copy.copy(address);
    copy.port = 0;
    this.#addresses.push(copy);
    this.#values.push(copy.toAddress().ip);
    this.#places[place] = number;
    return number;
  }
}

const MOST = 1024;

function hash({ word0, word1, word2, word3, scope }: SocketAddress): number {
  let mixed = word0 ^ Math.imul(word1, 0x85ebca6b) ^ Math.imul(word2, 0xc2b2ae35) ^ Math.imul(word3, 0x27d4eb2f) ^ scope;
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}

function sameIp(a: SocketAddress, b: SocketAddress): boolean {
  return (
    a.family === b.family &&
    a.word0 === b.word0 &&
    a.word1 === b.word1 &&
    a.word2 === b.word2 &&
    a.word3 === b.word3 &&
    a.scope === b.scope
  );
}
