import { concat, readUint16, writeUint16 } from "../../lib/bytes.ts";
import type { AttributeCodec } from "./codec.ts";

/** How a long-term key is made of a password (RFC 8489 §18.5). */
export interface PasswordAlgorithm {
  readonly algorithm: number;
  /** Empty for both algorithms that exist. */
  readonly parameters: Uint8Array;
}

export const PASSWORD_ALGORITHM = { md5: 0x0001, sha256: 0x0002 } as const;

/**
 * PASSWORD-ALGORITHM: the one that a client chose.
 *
 *     | algorithm, 16 bits | length, 16 bits | parameters, padded to 4 octets … |
 *
 * @see RFC 8489 §14.12
 */
export const passwordAlgorithm: AttributeCodec<PasswordAlgorithm> = {
  decode(value) {
    const list = listFrom(value);
    return list?.length === 1 ? list[0] : undefined;
  },

  encode: octetsFor,
};

/** PASSWORD-ALGORITHMS: those that a server offers, the best first, each laid out as above (RFC 8489 §14.11). */
export const passwordAlgorithms: AttributeCodec<readonly PasswordAlgorithm[]> = {
  decode: listFrom,

  encode(list) {
    return concat(...list.map(octetsFor));
  },
};

/** The last parameters may lack their padding: the attribute's own then stands for it. */
function listFrom(value: Uint8Array): PasswordAlgorithm[] | undefined {
  const list: PasswordAlgorithm[] = [];
  for (let at = 0; at < value.length; ) {
    const end = at + 4 + readUint16(value, at + 2);
    if (at + 4 > value.length || end > value.length) return undefined;
    list.push({ algorithm: readUint16(value, at), parameters: value.subarray(at + 4, end) });
    at = (end + 3) & ~3;
  }
  return list;
}

function octetsFor({ algorithm, parameters }: PasswordAlgorithm): Uint8Array {
  const value = new Uint8Array(4 + ((parameters.length + 3) & ~3));
  writeUint16(value, 0, algorithm);
  writeUint16(value, 2, parameters.length);
  value.set(parameters, 4);
  return value;
}
