import { concat, copyOf, readUint16, writeUint16 } from "../lib/bytes.ts";
import type { TransportAddress } from "../net/address.ts";
import { type IpAddress, ipFrom, isIp, parseIp, unmapped } from "../net/ip.ts";

/** What a balancer says about the connection that it passes on. */
export interface ProxyHeader {
  /** How many octets the header takes; the stream proper begins behind them. */
  readonly length: number;
  /** Who connected to the balancer and where; `undefined` where it does not say (UNKNOWN, LOCAL, a unix socket). */
  readonly ends: { readonly client: TransportAddress; readonly server: TransportAddress } | undefined;
}

/** The longest header of version 1, its line end included. */
const MAX_V1_BYTES = 107;
const V1_START = Uint8Array.from("PROXY ", (character) => character.charCodeAt(0));

const V2_START = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V2_HEADER_BYTES = 16;
/** Addresses and the balancer's own additions (type-length-values); more is no honest header. */
const MAX_V2_BODY_BYTES = 4096;
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
const V2_TCP4 = 0x11;
const V2_TCP6 = 0x21;

/**
 * Reads a PROXY header of version 1 or 2 off the front of a stream.
 *
 * @param bytes what has come so far
 * @returns `not a header` for what can never become one: such a connection is closed, for nobody knows whose it is
 * @see the PROXY protocol, haproxy's proxy-protocol.txt, §2.1 and §2.2
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | "not yet" | "not a header" {
  if (beginsLike(bytes, V1_START)) return bytes.length < V1_START.length ? "not yet" : readV1(bytes);
  if (beginsLike(bytes, V2_START)) return bytes.length < V2_HEADER_BYTES ? "not yet" : readV2(bytes);
  return "not a header";
}

/** Whether one is the start of the other. */
function beginsLike(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let i = 0; i < Math.min(bytes.length, start.length); i++) if (bytes[i] !== start[i]) return false;
  return true;
}

function readV1(bytes: Uint8Array): ProxyHeader | "not yet" | "not a header" {
  const head = bytes.subarray(0, MAX_V1_BYTES);
  const feed = head.indexOf(0x0a);
  if (feed === -1) return head.length < MAX_V1_BYTES ? "not yet" : "not a header";
  const line = String.fromCharCode(...head.subarray(0, feed + 1));
  if (!line.endsWith("\r\n")) return "not a header";
  const length = feed + 1;
  const words = line.slice(0, -2).split(" ");
  if (words[1] === "UNKNOWN") return { length, ends: undefined };
  const [, family, from = "", to = "", fromPort = "", toPort = "", ...rest] = words;
  const bits = family === "TCP4" ? 4 : family === "TCP6" ? 6 : undefined;
  const client = addressFrom(from, fromPort);
  const server = addressFrom(to, toPort);
  if (bits === undefined || client?.ip.family !== bits || server?.ip.family !== bits || rest.length > 0) return "not a header";
  return { length, ends: { client: plain(client), server: plain(server) } };
}

function addressFrom(ip: string, digits: string): TransportAddress | undefined {
  const port = /^(0|[1-9]\d{0,4})$/.test(digits) ? Number(digits) : 65_536;
  return isIp(ip) && port <= 65_535 ? { ip: parseIp(ip), port } : undefined;
}

function readV2(bytes: Uint8Array): ProxyHeader | "not yet" | "not a header" {
  const command = bytes[12];
  const family = bytes[13];
  const bodyBytes = readUint16(bytes, 14);
  const length = V2_HEADER_BYTES + bodyBytes;
  if ((command !== V2_LOCAL && command !== V2_PROXY) || bodyBytes > MAX_V2_BODY_BYTES) return "not a header";
  const octets = family === V2_TCP4 ? 4 : family === V2_TCP6 ? 16 : undefined;
  if (command === V2_PROXY && octets !== undefined && bodyBytes < 2 * octets + 4) return "not a header";
  if (bytes.length < length) return "not yet";
  if (command === V2_LOCAL || octets === undefined) return { length, ends: undefined };
  const ip = (at: number): IpAddress => ipFrom(copyOf(bytes, at, at + octets));
  const ports = V2_HEADER_BYTES + 2 * octets;
  const client = { ip: ip(V2_HEADER_BYTES), port: readUint16(bytes, ports) };
  const server = { ip: ip(V2_HEADER_BYTES + octets), port: readUint16(bytes, ports + 2) };
  return { length, ends: { client: plain(client), server: plain(server) } };
}

function plain({ ip, port }: TransportAddress): TransportAddress {
  return { ip: unmapped(ip), port };
}

/** A header of version 2 for a TCP connection that we pass on; without addresses if the two are of different families. */
export function writeProxyHeader(client: TransportAddress, server: TransportAddress): Uint8Array {
  const same = client.ip.family === server.ip.family;
  const ports = new Uint8Array(4);
  writeUint16(ports, 0, client.port);
  writeUint16(ports, 2, server.port);
  const body = same ? concat(client.ip.octets, server.ip.octets, ports) : new Uint8Array(0);
  const family = same ? (client.ip.family === 4 ? V2_TCP4 : V2_TCP6) : 0;
  return concat(V2_START, Uint8Array.of(V2_PROXY, family, body.length >> 8, body.length & 0xff), body);
}
