import { readUint16, writeUint16 } from "../../lib/bytes.ts";
import type { AttributeCodec } from "./codec.ts";

/**
 * UNKNOWN-ATTRIBUTES: the types that a server did not understand.
 *
 *     | type, 16 bits | … |
 *
 * @see RFC 8489 §14.13
 */
export const typeList: AttributeCodec<readonly number[]> = {
  decode(value) {
    if (value.length % 2 !== 0) return undefined;
    return Array.from({ length: value.length / 2 }, (_, i) => readUint16(value, 2 * i));
  },

  encode(types) {
    const value = new Uint8Array(2 * types.length);
    for (const [i, type] of types.entries()) writeUint16(value, 2 * i, type);
    return value;
  },
};
