import { copyOf, readUint16 } from "../lib/bytes.ts";

/** An IPv4 or IPv6 address as a value. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 octets, in network order. */
  readonly octets: Uint8Array;
}

/** An address from its octets: 4 make IPv4, 16 make IPv6. */
export function ipFrom(octets: Uint8Array): IpAddress {
  if (octets.length !== 4 && octets.length !== 16) throw new RangeError(`${octets.length} octets are no IP address`);
  return { family: octets.length === 4 ? 4 : 6, octets };
}

/**
 * Reads an address in its usual text forms: dotted decimal without leading zeros (RFC 6943 §3.1.1 on why), and RFC 4291 §2.2.
 *
 * @throws {SyntaxError} for anything else, zone identifiers and brackets included
 */
export function parseIp(text: string): IpAddress {
  const octets = text.includes(":") ? ipv6Octets(text) : ipv4Octets(text);
  if (octets === undefined) throw new SyntaxError(`"${text}" is not an IP address`);
  return ipFrom(octets);
}

/** Whether {@link parseIp} would take it. */
export function isIp(text: string): boolean {
  return (text.includes(":") ? ipv6Octets(text) : ipv4Octets(text)) !== undefined;
}

function ipv4Octets(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const octets = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    octets[i] = Number(part);
  }
  return octets;
}

function ipv6Octets(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** The octets of colon-separated groups; the last may be dotted decimal where that is the end of the address. */
function groups(text: string, atEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const octets: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (atEnd && i === parts.length - 1 && part.includes(".")) {
      const embedded = ipv4Octets(part);
      if (embedded === undefined) return undefined;
      octets.push(...embedded);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      const group = Number.parseInt(part, 16);
      octets.push(group >> 8, group & 0xff);
    }
  }
  return octets;
}

/** The canonical text: dotted decimal, or RFC 5952. */
export function formatIp({ family, octets }: IpAddress): string {
  if (family === 4) return octets.join(".");
  if (isIpv4Mapped(octets)) return `::ffff:${octets.subarray(12).join(".")}`;
  const words = Array.from({ length: 8 }, (_, i) => readUint16(octets, 2 * i));
  const [start, length] = longestZeroRun(words);
  const hex = (part: number[]): string => part.map((word) => word.toString(16)).join(":");
  if (length < 2) return hex(words);
  return `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}

function longestZeroRun(words: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  let length = 0;
  for (const [i, word] of words.entries()) {
    length = word === 0 ? length + 1 : 0;
    if (length > best[1]) best = [i - length + 1, length];
  }
  return best;
}

/** Whether two addresses are the same octets; an IPv4-mapped one is not the IPv4 it maps. */
export function equalIp(a: IpAddress, b: IpAddress): boolean {
  return a.octets.length === b.octets.length && a.octets.every((octet, i) => octet === b.octets[i]);
}

/** The IPv4 address in `::ffff:0:0/96`, else the address as it is: what a dual-stack socket means by its client. */
export function unmapped(ip: IpAddress): IpAddress {
  return ip.family === 6 && isIpv4Mapped(ip.octets) ? ipFrom(copyOf(ip.octets, 12)) : ip;
}

function isIpv4Mapped(octets: Uint8Array): boolean {
  return octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 0xff && octets[11] === 0xff;
}
