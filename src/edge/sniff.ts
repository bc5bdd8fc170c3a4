import { MAGIC_COOKIE } from "../stun/header.ts";

/** What we speak inside TLS, ours first: STUN and TURN (RFC 7443 §3), and the web. */
export const ALPN_PROTOCOLS = ["stun.turn", "stun.nat-discovery", "http/1.1"] as const;

const COOKIE_OFFSET = 4;
/** With so many octets there is always an answer. */
export const SNIFF_BYTES = 8;

/**
 * Whom a connection is for.
 *
 * ALPN decides where it was negotiated. Without it the first octets do: a STUN header is TURN, everything else HTTP, and
 * what can no longer become a STUN header is HTTP at once. A first octet of 64 to 79 would be ChannelData as well as a
 * capital letter; no client can begin with ChannelData, so it is HTTP.
 *
 * @param alpn the protocol negotiated, or `undefined` if there was no ALPN
 * @param head what has come so far
 * @see RFC 8489 §5; RFC 7443 §3
 */
export function sniff(alpn: string | undefined, head: Uint8Array): "turn" | "http" | "not yet" {
  if (alpn === "http/1.1") return "http";
  if (alpn !== undefined) return "turn";
  const first = head[0];
  if (first === undefined) return "not yet";
  if (first > 1) return "http";
  for (let i = COOKIE_OFFSET; i < Math.min(head.length, SNIFF_BYTES); i++) {
    if (head[i] !== ((MAGIC_COOKIE >>> (24 - 8 * (i - COOKIE_OFFSET))) & 0xff)) return "http";
  }
  return head.length < SNIFF_BYTES ? "not yet" : "turn";
}
