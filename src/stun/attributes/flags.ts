import type { AttributeCodec } from "./codec.ts";

/** What EVEN-PORT says beyond its presence. */
export interface EvenPort {
  /** R: the next port up is to be reserved too. */
  readonly reserveNext: boolean;
}

/** From where a Binding is to be answered. */
export interface ChangeRequest {
  readonly ip: boolean;
  readonly port: boolean;
}

/** DONT-FRAGMENT: no value, it is there or not (RFC 8656 §18.9). */
export const presence: AttributeCodec<true> = {
  decode(value) {
    return value.length === 0 ? true : undefined;
  },

  encode() {
    return new Uint8Array(0);
  },
};

/**
 * EVEN-PORT.
 *
 *     | R, 1 bit | reserved, 7 bits |
 *
 * @see RFC 8656 §18.7
 */
export const evenPort: AttributeCodec<EvenPort> = {
  decode(value) {
    return value.length === 1 ? { reserveNext: ((value[0] ?? 0) & 0x80) !== 0 } : undefined;
  },

  encode({ reserveNext }) {
    return Uint8Array.of(reserveNext ? 0x80 : 0);
  },
};

/**
 * CHANGE-REQUEST.
 *
 *     | 0, 29 bits | change IP, 1 bit | change port, 1 bit | 0, 1 bit |
 *
 * @see RFC 5780 §7.2
 */
export const changeRequest: AttributeCodec<ChangeRequest> = {
  decode(value) {
    if (value.length !== 4) return undefined;
    const flags = value[3] ?? 0;
    return { ip: (flags & 0x04) !== 0, port: (flags & 0x02) !== 0 };
  },

  encode({ ip, port }) {
    return Uint8Array.of(0, 0, 0, (ip ? 0x04 : 0) | (port ? 0x02 : 0));
  },
};
