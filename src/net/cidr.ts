import { formatIp, type IpAddress, parseIp } from "./ip.ts";

/** A range of addresses: those that begin with the same bits. */
export interface Cidr {
  readonly ip: IpAddress;
  /** How many leading bits count. */
  readonly bits: number;
}

/**
 * Reads `10.0.0.0/8`, `fc00::/7`, or a single address.
 *
 * @throws {SyntaxError} for anything else, and for bits set behind the prefix, which are a slip of the pen
 */
export function parseCidr(text: string): Cidr {
  const [address = "", length, ...rest] = text.split("/");
  const ip = parseIp(address);
  const width = 8 * ip.octets.length;
  const bits = length === undefined ? width : Number(length);
  const wellFormed = rest.length === 0 && (length === undefined || /^\d{1,3}$/.test(length)) && bits <= width;
  if (!wellFormed) throw new SyntaxError(`"${text}" is not a CIDR`);
  for (let bit = bits; bit < width; bit++) {
    if (bitAt(ip.octets, bit) === 1) throw new SyntaxError(`"${text}" has bits set behind its prefix of ${bits}`);
  }
  return { ip, bits };
}

/** The text that {@link parseCidr} reads. */
export function formatCidr({ ip, bits }: Cidr): string {
  return `${formatIp(ip)}/${bits}`;
}

/** Whether the range holds the address; the families never mix. */
export function contains({ ip: range, bits }: Cidr, ip: IpAddress): boolean {
  if (range.family !== ip.family) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (range.octets[i] !== ip.octets[i]) return false;
  const rest = bits & 7;
  return rest === 0 || ((range.octets[whole] ?? 0) ^ (ip.octets[whole] ?? 0)) >> (8 - rest) === 0;
}

/** Ranges with a value each; the longest that holds an address decides. */
export class PrefixSet<T> {
  readonly #rows: { readonly range: Cidr; readonly value: T }[] = [];

  constructor(rows: Iterable<readonly [Cidr, T]> = []) {
    for (const [range, value] of rows) this.add(range, value);
  }

  get size(): number {
    return this.#rows.length;
  }

  /** Adds a range; of two equal ones the first counts. */
  add(range: Cidr, value: T): void {
    let at = this.#rows.length;
    while (at > 0 && (this.#rows[at - 1]?.range.bits ?? 0) < range.bits) at--;
    this.#rows.splice(at, 0, { range, value });
  }

  /** The value of the longest range that holds the address, or `undefined`. */
  match(ip: IpAddress): T | undefined {
    return this.#rows.find(({ range }) => contains(range, ip))?.value;
  }
}

function bitAt(octets: Uint8Array, bit: number): number {
  return ((octets[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
}
