/** RFC 8489 §14.8, RFC 8656 §19, RFC 6062 §6.3, RFC 8016 §3.4; 487 is ICE's (RFC 8445 §7.1.3). */
export const REASONS = {
  300: "Try Alternate",
  400: "Bad Request",
  401: "Unauthenticated",
  403: "Forbidden",
  405: "Mobility Forbidden",
  420: "Unknown Attribute",
  437: "Allocation Mismatch",
  438: "Stale Nonce",
  440: "Address Family not Supported",
  441: "Wrong Credentials",
  442: "Unsupported Transport Protocol",
  443: "Peer Address Family Mismatch",
  446: "Connection Already Exists",
  447: "Connection Timeout or Failure",
  486: "Allocation Quota Reached",
  487: "Role Conflict",
  500: "Server Error",
  508: "Insufficient Capacity",
} as const;

/** A code that we send. */
export type KnownErrorCode = keyof typeof REASONS;

const BY_CODE: ReadonlyMap<number, string> = new Map(Object.entries(REASONS).map(([code, reason]) => [Number(code), reason]));

/** The words of a code; "Error" for one that we do not know. */
export function reasonFor(code: number): string {
  return BY_CODE.get(code) ?? "Error";
}
