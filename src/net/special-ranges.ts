import { copyOf } from "../lib/bytes.ts";
import { type Cidr, contains, parseCidr, PrefixSet } from "./cidr.ts";
import { type IpAddress, ipFrom } from "./ip.ts";

/** A range of addresses that is set aside, and for what. */
export interface SpecialRange {
  readonly range: Cidr;
  readonly name: string;
}

const range = (cidr: string, name: string): SpecialRange => ({ range: parseCidr(cidr), name });

/**
 * Where no relayed packet goes unless an operator says so: what is not the public Internet's unicast space, and what
 * clouds keep at a public address for their guests alone.
 *
 * @see RFC 6890 and the IANA registries of special-purpose addresses that it founds
 */
export const DENIED_RANGES: readonly SpecialRange[] = [
  range("0.0.0.0/8", "this network"),
  range("10.0.0.0/8", "private use"),
  range("100.64.0.0/10", "shared address space of carriers"),
  range("127.0.0.0/8", "loopback"),
  range("169.254.0.0/16", "link-local, and cloud metadata"),
  range("172.16.0.0/12", "private use"),
  range("192.0.0.0/24", "IETF protocol assignments"),
  range("192.0.2.0/24", "documentation"),
  range("192.88.99.0/24", "6to4 relay anycast"),
  range("192.168.0.0/16", "private use"),
  range("198.18.0.0/15", "benchmarking"),
  range("198.51.100.0/24", "documentation"),
  range("203.0.113.0/24", "documentation"),
  range("224.0.0.0/4", "multicast"),
  range("240.0.0.0/4", "reserved, and broadcast"),
  range("168.63.129.16/32", "services of the Azure platform"),
  range("::/96", "unspecified, loopback and IPv4-compatible"),
  range("64:ff9b:1::/48", "local IPv4/IPv6 translation"),
  range("100::/64", "discard"),
  range("2001::/23", "IETF protocol assignments, Teredo among them"),
  range("2001:db8::/32", "documentation"),
  range("3fff::/20", "documentation"),
  range("5f00::/16", "segment routing"),
  range("fc00::/7", "unique local"),
  range("fe80::/10", "link-local"),
  range("fec0::/10", "site-local"),
  range("ff00::/8", "multicast"),
];

const DENIED = new PrefixSet(DENIED_RANGES.map((special) => [special.range, special]));

/** The range of {@link DENIED_RANGES} that holds an address as it is, the longest, or `undefined`. */
export function deniedByDefault(ip: IpAddress): SpecialRange | undefined {
  return DENIED.match(ip);
}

/** IPv6 addresses that stand for an IPv4 address, and the octet where it begins. */
const EMBEDDINGS: readonly (readonly [range: Cidr, offset: number])[] = [
  [parseCidr("::ffff:0:0/96"), 12], // IPv4-mapped, RFC 4291 §2.5.5.2
  [parseCidr("::/96"), 12], // IPv4-compatible, RFC 4291 §2.5.5.1
  [parseCidr("64:ff9b::/96"), 12], // NAT64, RFC 6052 §2.1
  [parseCidr("2002::/16"), 2], // 6to4, RFC 3056 §2
];

/** The unspecified address and loopback lie among the IPv4-compatible ones and are none (RFC 4291 §2.5.5.1). */
const NO_EMBEDDING: readonly Cidr[] = [parseCidr("::/128"), parseCidr("::1/128")];

/** The IPv4 address that an IPv6 address stands for, or `undefined` if it stands for none. */
export function embeddedIpv4(ip: IpAddress): IpAddress | undefined {
  if (NO_EMBEDDING.some((range) => contains(range, ip))) return undefined;
  for (const [range, offset] of EMBEDDINGS) if (contains(range, ip)) return ipFrom(copyOf(ip.octets, offset, offset + 4));
  return undefined;
}
