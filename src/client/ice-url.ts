import { isIp } from "../net/ip.ts";
import type { Transport } from "../net/address.ts";

/** Where and how a STUN or TURN URI says that a server is reached (RFC 7064, RFC 7065). */
export interface IceUrl {
  /** Whether a relay is offered there, or STUN alone. */
  readonly relay: boolean;
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: Transport;
}

const DEFAULT_PORT = 3478;
const DEFAULT_TLS_PORT = 5349;

/**
 * Reads `stun:H`, `turn:H:3478?transport=tcp`, `turns:[2001:db8::1]:443` and their like.
 *
 * @throws {SyntaxError} for anything else, DTLS (`turns:` over UDP) included
 */
export function parseIceUrl(text: string): IceUrl {
  const [, scheme = "", bracketed, plain, digits, asked] =
    /^(stuns?|turns?):(?:\[([^\]]+)\]|([^:?[\]/@]+))(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i.exec(text) ?? [];
  const host = bracketed ?? plain ?? "";
  const wrongHost = host === "" || (bracketed !== undefined && !(bracketed.includes(":") && isIp(bracketed)));
  if (wrongHost) throw new SyntaxError(`"${text}" is no stun:, turn: or turns: URL`);

  const relay = scheme.toLowerCase().startsWith("turn");
  const secure = scheme.toLowerCase().endsWith("s");
  if (!relay && asked !== undefined) throw new SyntaxError(`"${text}": only turn: and turns: have a transport`);
  const overTcp = asked?.toLowerCase() === "tcp";
  if (secure && asked !== undefined && !overTcp) throw new SyntaxError(`"${text}": DTLS is not spoken here`);

  const port = digits === undefined ? (secure ? DEFAULT_TLS_PORT : DEFAULT_PORT) : Number(digits);
  if (port < 1 || port > 65_535) throw new SyntaxError(`"${text}" names no port that exists`);
  return { relay, host, port, transport: secure ? "tls" : overTcp ? "tcp" : "udp" };
}
