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
  const fits = (length: number): boolean => length >= min && length <= max && length % step === 0;
  return {
    decode(value) {
      return fits(value.length) ? value : undefined;
    },

    encode(value) {
      if (!fits(value.length)) throw new RangeError(`${value.length} octets, where ${min} to ${max} fit`);
      return value;
    },
  };
}
