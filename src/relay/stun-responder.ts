import { readInt32, readUint16, writeUint16, writeUint32 } from "../lib/bytes.ts";
import type { Packet } from "../dataplane/plane.ts";
import { HEADER_BYTES, MAGIC_COOKIE } from "../stun/header.ts";

const BINDING_SUCCESS = 0x0101;
const XOR_MAPPED_ADDRESS = 0x0020;

/**
 * Answers the plainest Binding request, the header alone, from the packet: no engine, no object. What carries
 * attributes goes the long way.
 *
 * @see RFC 8489 §12, and §14.2 for XOR-MAPPED-ADDRESS
 */
export class StunResponder {
  /** The answer, until the next one is made. */
  readonly bytes = new Uint8Array(HEADER_BYTES + 24);
  length = 0;

  /** @returns whether the packet was a plain Binding request; its answer is in {@link bytes} then */
  answer({ bytes, offset, length, from }: Packet): boolean {
    if (length !== HEADER_BYTES || readInt32(bytes, offset) !== 0x0001_0000) return false;
    if (readInt32(bytes, offset + 4) !== (MAGIC_COOKIE | 0) || from.port === 0) return false;

    const answer = this.bytes;
    const addressOctets = from.family === 4 ? 4 : 16;
    writeUint16(answer, 0, BINDING_SUCCESS);
    writeUint16(answer, 2, 8 + addressOctets);
    for (let i = 4; i < HEADER_BYTES; i++) answer[i] = bytes[offset + i] ?? 0;
    writeUint16(answer, 20, XOR_MAPPED_ADDRESS);
    writeUint16(answer, 22, 4 + addressOctets);
    writeUint16(answer, 24, from.family === 4 ? 1 : 2);
    writeUint16(answer, 26, from.port ^ readUint16(bytes, offset + 4));
    writeUint32(answer, 28, from.word0 ^ readInt32(bytes, offset + 4));
    if (from.family === 6) {
      writeUint32(answer, 32, from.word1 ^ readInt32(bytes, offset + 8));
      writeUint32(answer, 36, from.word2 ^ readInt32(bytes, offset + 12));
      writeUint32(answer, 40, from.word3 ^ readInt32(bytes, offset + 16));
    }
    this.length = 28 + addressOctets;
    return true;
  }
}
