import type { AttributeCodec } from "./codec.ts";
import { familyFrom, familyOctet } from "./family.ts";
import { MAX_TEXT_BYTES, octetsOf, textFrom } from "./text.ts";

/** A code of {@link reasonFor}, and its words. */
export interface ErrorCode {
  /** 300 to 699. */
  readonly code: number;
  readonly reason: string;
}

/** Why a dual allocation lacks one of its two families. */
export interface AddressErrorCode extends ErrorCode {
  readonly family: 4 | 6;
}

/**
 * ERROR-CODE.
 *
 *     | reserved, 21 bits | hundreds, 3 bits | number, 8 bits | reason, UTF-8 … |
 *
 * @see RFC 8489 §14.8
 */
export const errorCode: AttributeCodec<ErrorCode> = {
  decode: codeFrom,

  encode(error) {
    return octetsWith(0, error);
  },
};

/**
 * ADDRESS-ERROR-CODE.
 *
 *     | family | reserved, 13 bits | hundreds, 3 bits | number, 8 bits | reason, UTF-8 … |
 *
 * @see RFC 8656 §18.12
 */
export const addressErrorCode: AttributeCodec<AddressErrorCode> = {
  decode(value) {
    const family = familyFrom(value[0]);
    const error = codeFrom(value);
    return family === undefined || error === undefined ? undefined : { family, ...error };
  },

  encode(error) {
    return octetsWith(familyOctet(error.family), error);
  },
};

function codeFrom(value: Uint8Array): ErrorCode | undefined {
  const hundreds = (value[2] ?? 0) & 7;
  const number = value[3] ?? 0;
  if (value.length < 4 || hundreds < 3 || hundreds > 6 || number > 99) return undefined;
  if (value.length > 4 + MAX_TEXT_BYTES) return undefined;
  const reason = textFrom(value.subarray(4));
  return reason === undefined ? undefined : { code: 100 * hundreds + number, reason };
}

function octetsWith(first: number, { code, reason }: ErrorCode): Uint8Array {
  if (!Number.isInteger(code) || code < 300 || code > 699) throw new RangeError(`${code} is no error code`);
  const words = octetsOf(reason);
  const value = new Uint8Array(4 + words.length);
  value[0] = first;
  value[2] = Math.floor(code / 100);
  value[3] = code % 100;
  value.set(words, 4);
  return value;
}
