import { readUint16, readUint32, writeUint16, writeUint32 } from "../../lib/bytes.ts";
import type { AttributeCodec } from "./codec.ts";

/** An ICMP error that a relayed datagram met. */
export interface Icmp {
  /** 0 to 127, of ICMP or ICMPv6 as the peer's family has it. */
  readonly type: number;
  readonly code: number;
  /** The next hop's MTU for "fragmentation needed" and "packet too big"; else 0. */
  readonly data: number;
}

/**
 * ICMP.
 *
 *     | reserved, 16 bits | type, 7 bits | code, 9 bits | error data, 32 bits |
 *
 * @see RFC 8656 §18.13
 */
export const icmp: AttributeCodec<Icmp> = {
  decode(value) {
    if (value.length !== 8) return undefined;
    const both = readUint16(value, 2);
    return { type: both >> 9, code: both & 0x1ff, data: readUint32(value, 4) };
  },

  encode({ type, code, data }) {
    if (type > 0x7f || code > 0x1ff) throw new RangeError(`ICMP type ${type}, code ${code} has no place in the attribute`);
    const value = new Uint8Array(8);
    writeUint16(value, 2, (type << 9) | code);
    writeUint32(value, 4, data);
    return value;
  },
};
