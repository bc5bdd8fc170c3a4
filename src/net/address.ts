import { octetKey } from "../lib/bytes.ts";
import { equalIp, formatIp, type IpAddress, parseIp } from "./ip.ts";

/** An IP address and a port (RFC 8656 §3). */
export interface TransportAddress {
  readonly ip: IpAddress;
  readonly port: number;
}

/** How a client speaks to us. */
export type Transport = "udp" | "tcp" | "tls";

/**
 * Who speaks to us, and where: client, server and transport of RFC 8656 §3.
 *
 * Two of our addresses or ports are two five-tuples. A stream is told apart by its connection, for a client's
 * port may come again while we still close the old one.
 */
export interface FiveTuple {
  readonly transport: Transport;
  readonly client: TransportAddress;
  /** The address and port of ours that the client speaks to. */
  readonly server: TransportAddress;
  /** UDP: the listener's number on its thread. Streams: the number of the connection, never used again on its thread. */
  readonly socket: number;
  /** The plane's number for `server.ip` on a wildcard listener; 0 for streams. */
  readonly local: number;
}

/**
 * Reads `192.0.2.1:3478` or `[2001:db8::1]:3478`.
 *
 * @throws {SyntaxError} for anything else
 */
export function parseAddress(text: string): TransportAddress {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535) throw new SyntaxError(`"${text}" is not an address with a port`);
  const ip = parseIp(bracketed ?? plain ?? "");
  if ((ip.family === 6) !== (bracketed !== undefined)) throw new SyntaxError(`"${text}": only IPv6 stands in brackets`);
  return { ip, port };
}

/** The text that {@link parseAddress} reads. */
export function formatAddress({ ip, port }: TransportAddress): string {
  return ip.family === 4 ? `${formatIp(ip)}:${port}` : `[${formatIp(ip)}]:${port}`;
}

/** Whether IP address and port are the same. */
export function equalAddress(a: TransportAddress, b: TransportAddress): boolean {
  return a.port === b.port && equalIp(a.ip, b.ip);
}

/** A map key: equal exactly for equal IP addresses. */
export function ipKey({ octets }: IpAddress): string {
  return octetKey(octets);
}

/** A map key: equal exactly for equal transport addresses. */
export function addressKey({ ip, port }: TransportAddress): string {
  const { octets } = ip;
  return ip.family === 4
    ? String.fromCharCode(octets[0] ?? 0, octets[1] ?? 0, octets[2] ?? 0, octets[3] ?? 0, port)
    : octetKey(octets) + String.fromCharCode(port);
}

/** A map key: equal exactly for equal five-tuples of one thread. */
export function fiveTupleKey({ transport, socket, local, client, server }: FiveTuple): string {
  if (transport !== "udp") return `stream ${socket}`;
  return String.fromCharCode(socket, local, server.port) + addressKey(client);
}
