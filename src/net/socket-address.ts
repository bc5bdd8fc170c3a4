import { readInt32, writeUint32 } from "../lib/bytes.ts";
import type { TransportAddress } from "./address.ts";
import { ipFrom } from "./ip.ts";

/**
 * A transport address as plain numbers: what moves with each packet, so that none makes an object.
 *
 * The words are signed, in network order, and 0 where the family has none. IPv4 has one word.
 */
export class SocketAddress {
  family: 0 | 4 | 6 = 0;
  port = 0;
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  /** The interface of a link-local IPv6 address, as the system numbers it; else 0. */
  scope = 0;

  /** Becomes the same address as another. */
  copy(other: SocketAddress): void {
    this.family = other.family;
    this.port = other.port;
    this.word0 = other.word0;
    this.word1 = other.word1;
    this.word2 = other.word2;
    this.word3 = other.word3;
    this.scope = other.scope;
  }

  /** Becomes the address that a value names. */
  assign({ ip, port }: TransportAddress): this {
    this.family = ip.family;
    this.port = port;
    this.word0 = readInt32(ip.octets, 0);
    this.word1 = ip.family === 6 ? readInt32(ip.octets, 4) : 0;
    this.word2 = ip.family === 6 ? readInt32(ip.octets, 8) : 0;
    this.word3 = ip.family === 6 ? readInt32(ip.octets, 12) : 0;
    this.scope = 0;
    return this;
  }

  /** The same as a value. */
  toAddress(): TransportAddress {
    const octets = new Uint8Array(this.family === 4 ? 4 : 16);
    writeUint32(octets, 0, this.word0);
    if (this.family === 6) {
      writeUint32(octets, 4, this.word1);
      writeUint32(octets, 8, this.word2);
      writeUint32(octets, 12, this.word3);
    }
    return { ip: ipFrom(octets), port: this.port };
  }

  /** Whether both are the same address; the scope does not count. */
  equals(other: SocketAddress): boolean {
    return (
      this.port === other.port &&
      this.word0 === other.word0 &&
      this.word1 === other.word1 &&
      this.word2 === other.word2 &&
      this.word3 === other.word3 &&
      this.family === other.family
    );
  }
}
