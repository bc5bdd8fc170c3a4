import {
  addressKey,
  formatAddress,
  ipKey,
  parseAddress,
  type Transport,
  type TransportAddress,
} from "../../../src/net/address.ts";
import { parseIp } from "../../../src/net/ip.ts";
import { relayAddress } from "../simulation.ts";
import type { ModelPeer } from "./model-allocation.ts";

/** Our relayed addresses, in public ranges, as the product's rules want them. */
export const RELAY_IPV4 = "1.0.0.7";
export const RELAY_IPV6 = "2a00::7";
export const RELAYS = [relayAddress(RELAY_IPV4), relayAddress(RELAY_IPV6)];
export const FIRST_PORT = 50_000;

/** A five-tuple that takes part, and the shard that hears it. */
export interface CastClient {
  readonly transport: Transport;
  readonly address: string;
  readonly shard: number;
}

/** Who takes part: some of them behind one address, streams of both kinds, one over IPv6; on each of two shards some. */
export const CLIENTS: readonly CastClient[] = [
  { transport: "udp", address: "192.0.2.1:1001", shard: 0 },
  { transport: "udp", address: "192.0.2.1:1002", shard: 0 },
  { transport: "udp", address: "[2001:db8:1::1]:1001", shard: 0 },
  { transport: "tcp", address: "192.0.2.2:1001", shard: 0 },
  { transport: "tls", address: "192.0.2.3:1001", shard: 0 },
  { transport: "udp", address: "192.0.2.1:1003", shard: 1 },
  { transport: "udp", address: "192.0.2.4:1001", shard: 1 },
  { transport: "tls", address: "192.0.2.3:1002", shard: 1 },
  { transport: "tcp", address: "192.0.2.2:1002", shard: 1 },
];
export const SHARDS = 2;

/** The client of a five-tuple: a stream that is opened anew is another five-tuple of the same client. */
export function clientAt(tuple: number): CastClient {
  const client = CLIENTS[whoseIs(tuple)];
  if (client === undefined) throw new RangeError(`There is no client of ${tuple}`);
  return client;
}

/** The number of the client of a five-tuple. */
export function whoseIs(tuple: number): number {
  return tuple % CLIENTS.length;
}

/** Whose credentials they use: projects, labels, and how many seconds a fresh one lives. */
export const USERNAMES: readonly { readonly project: string; readonly label?: string; readonly ttl: number }[] = [
  { project: "p", ttl: 1_000_000 },
  { project: "p", label: "ann", ttl: 1_000_000 },
  { project: "q", ttl: 1_000_000 },
  { project: "q", label: "bob", ttl: 3000 },
];

export const CHANNELS = [0x4000, 0x4001, 0x4002, 0x4fff, 0x7fff, 0x3fff];

const open = (text: string): ModelPeer => peerAt(parseAddress(text), true, true);
const denied = (text: string): ModelPeer => peerAt(parseAddress(text), false, false);
/** Its address may be permitted, but not its port be sent to. */
const closedPort = (text: string): ModelPeer => peerAt(parseAddress(text), true, false);

/** Peers that stay where they are, and what the product's rules say of their IP address and of the whole. */
export const FIXED_PEERS: readonly ModelPeer[] = [
  open("8.8.4.4:9"),
  open("8.8.4.4:10"),
  open("8.8.8.8:9"),
  open("9.9.9.9:9"),
  open("[2a00:1450::1]:9"),
  open("[2a00:1450::2]:9"),
  closedPort("8.8.4.4:0"),
  closedPort(`${RELAY_IPV4}:22`),
  denied("10.1.2.3:9"),
  denied("127.0.0.1:9"),
  denied("169.254.169.254:80"),
  denied("[::1]:9"),
  denied("[::ffff:10.1.2.3]:9"),
  denied("[::ffff:127.0.0.1]:9"),
  denied("[64:ff9b::10.1.2.3]:9"),
  denied("[2002:a01:203::1]:9"),
];

/** Peers 16 and up are relayed addresses: of each client, the IPv4 one and the IPv6 one. */
export const PEERS = FIXED_PEERS.length + 2 * CLIENTS.length;

/** Whether a packet must never go there, as it can be told without the product's own rules. */
export function mustNotBeReached({ ip, port }: TransportAddress): boolean {
  if (port === 0) return true;
  const octets = [...ip.octets];
  const isIpv4 = (a: readonly number[]): boolean =>
    a[0] === 0 || a[0] === 10 || a[0] === 127 || (a[0] === 169 && a[1] === 254) || (a[0] ?? 0) >= 224;
  if (ip.family === 4) return isIpv4(octets);
  const startsWith = (prefix: string, count: number): boolean =>
    parseIp(prefix).octets.every((octet, i) => i >= count || octet === octets[i]);
  if (startsWith("::", 12)) return true;
  if (startsWith("::ffff:0:0", 12) || startsWith("64:ff9b::", 12)) return isIpv4(octets.slice(12));
  if (startsWith("2002::", 2)) return isIpv4(octets.slice(2, 6));
  return octets[0] === 0xfe || octets[0] === 0xff || ((octets[0] ?? 0) & 0xfe) === 0xfc;
}

/** A peer with what may be done with it. */
export function peerAt(address: TransportAddress, mayPermit: boolean, maySend: boolean): ModelPeer {
  const { ip } = address;
  const names = { text: formatAddress(address), key: addressKey(address), ipKey: ipKey(ip), family: ip.family };
  return { ...names, mayPermit, maySend };
}

/** A relayed address of ours as a peer: data may go there while it lives. */
export function relayPeer(family: 4 | 6, port: number, isLive: boolean): ModelPeer {
  return peerAt({ ip: parseIp(family === 4 ? RELAY_IPV4 : RELAY_IPV6), port }, true, isLive);
}

const RELAY_IP_KEYS = new Set([RELAY_IPV4, RELAY_IPV6].map((text) => ipKey(parseIp(text))));

/** The port of ours that a peer is at, if its IP address is one that relays of ours have. */
export function relayedPortOf({ ipKey: key, text }: Pick<ModelPeer, "ipKey" | "text">): number | undefined {
  return RELAY_IP_KEYS.has(key) ? parseAddress(text).port : undefined;
}
