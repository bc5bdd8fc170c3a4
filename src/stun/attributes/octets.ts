import type { AttributeCodec } from "./codec.ts";

/** How long a value may be. */
export interface OctetsShape {
  readonly min: number;
  readonly max: number;
  /** The length is a multiple of this. */
  readonly step?: number;
}

/** Length of an attribute's value as 16 bits say it. */
export const ANY_LENGTH: OctetsShape = { min: 0, max: 65_535 };

/**
 * Octets without meaning here: DATA, NONCE, USERHASH, RESERVATION-TOKEN, MOBILITY-TICKET, PADDING, and the codes of
 * integrity. What is decoded is a view of the message.
 */
export function octets({ min, max, step = 1 }: OctetsShape): AttributeCodec<Uint8Array> {
  const isOfShape = (length: number): boolean => length >= min && length <= max && length % step === 0;
  return {
    decode(value) {
      return isOfShape(value.length) ? value : undefined;
    },

    fits(_bytes, _at, length) {
      return isOfShape(length);
    },

    encode(value) {
      if (!isOfShape(value.length)) throw new RangeError(`${value.length} octets, where ${min} to ${max} fit`);
      return value;
    },
  };
}
