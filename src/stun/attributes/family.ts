import type { AttributeCodec } from "./codec.ts";

/** A family that is neither IPv4 nor IPv6 is well-formed, and answered 440 (RFC 8656 §7.2). */
export type RequestedFamily = 4 | 6 | "unknown";

const FAMILY_IPV4 = 0x01;
const FAMILY_IPV6 = 0x02;

/**
 * REQUESTED-ADDRESS-FAMILY and ADDITIONAL-ADDRESS-FAMILY.
 *
 *     | family | reserved, 3 octets |
 *
 * @see RFC 8656 §18.6, §18.11
 */
export const family: AttributeCodec<RequestedFamily> = {
  decode(value) {
    return value.length === 4 ? (familyFrom(value[0]) ?? "unknown") : undefined;
  },

  encode(value) {
    return Uint8Array.of(value === "unknown" ? 0 : familyOctet(value), 0, 0, 0);
  },
};

/** The family that an octet stands for; `undefined` for any other octet, and for none. */
export function familyFrom(octet: number | undefined): 4 | 6 | undefined {
  if (octet === FAMILY_IPV4) return 4;
  return octet === FAMILY_IPV6 ? 6 : undefined;
}

/** The octet that stands for a family (RFC 8489 §14.1). */
export function familyOctet(family: 4 | 6): number {
  return family === 4 ? FAMILY_IPV4 : FAMILY_IPV6;
}
