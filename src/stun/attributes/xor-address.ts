import { copyOf, readUint16, writeUint16 } from "../../lib/bytes.ts";
import type { TransportAddress } from "../../net/address.ts";
import type { TransactionId } from "../header.ts";
import type { AttributeCodec } from "./codec.ts";
import { familyFrom, familyOctet } from "./family.ts";

const MAGIC_COOKIE = Uint8Array.of(0x21, 0x12, 0xa4, 0x42);

/**
 * XOR-MAPPED-ADDRESS, XOR-PEER-ADDRESS and XOR-RELAYED-ADDRESS: one layout, three numbers.
 *
 *     | 0 | family | port ^ cookie | address ^ (cookie, transaction id) … 4 or 16 octets |
 *
 * @see RFC 8489 §14.2; RFC 8656 §18.3, §18.5
 */
export const xorAddress: AttributeCodec<TransportAddress> = {
  decode(value, transactionId) {
    const family = familyFrom(value[1]);
    if (family === undefined || value.length !== (family === 4 ? 8 : 20)) return undefined;
    const octets = copyOf(value, 4);
    mask(octets, 0, transactionId);
    return { ip: { family, octets }, port: readUint16(value, 2) ^ readUint16(MAGIC_COOKIE, 0) };
  },

  fits(bytes, at, length) {
    const family = familyFrom(bytes[at + 1]);
    return family !== undefined && length === (family === 4 ? 8 : 20);
  },

  encode({ ip, port }, transactionId) {
    const value = new Uint8Array(4 + ip.octets.length);
    value[1] = familyOctet(ip.family);
    writeUint16(value, 2, port ^ readUint16(MAGIC_COOKIE, 0));
    value.set(ip.octets, 4);
    mask(value, 4, transactionId);
    return value;
  },
};

/** XOR is its own inverse, so one function masks and unmasks. */
function mask(octets: Uint8Array, from: number, transactionId: TransactionId): void {
  for (let i = from; i < octets.length; i++) {
    const at = i - from;
    const key = at < 4 ? MAGIC_COOKIE[at] : transactionId[at - 4];
    octets[i] = (octets[i] ?? 0) ^ (key ?? 0);
  }
}
