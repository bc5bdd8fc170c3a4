import { concat } from "../lib/bytes.ts";

/** Tags of ASN.1 that certificates are made of (X.690 §8); `context` ones are told apart by number. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  context: 0x80,
  constructedContext: 0xa0,
} as const;

/** One value in DER: tag, length, and the contents joined (X.690 §8.1, §10.1). */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concat(...contents);
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest >>>= 8) length.unshift(rest & 0xff);
  const header = content.length < 128 ? [tag, content.length] : [tag, 0x80 | length.length, ...length];
  return concat(Uint8Array.from(header), content);
}

/** A SEQUENCE of these. */
export function sequence(...members: readonly Uint8Array[]): Uint8Array {
  return der(TAG.sequence, ...members);
}

/** An object identifier from its dotted form (X.690 §8.19). */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const octets = [40 * first + second];
  for (const arc of rest) {
    const septets = [arc & 0x7f];
    for (let more = arc >>> 7; more > 0; more >>>= 7) septets.unshift(0x80 | (more & 0x7f));
    octets.push(...septets);
  }
  return der(TAG.objectIdentifier, Uint8Array.from(octets));
}

/** A moment to the second: two digits of the year until 2049, four from 2050 (RFC 5280 §4.1.2.5). */
export function time(unixMs: number): Uint8Array {
  const digits = `${new Date(unixMs).toISOString().slice(0, 19).replace(/\D/g, "")}Z`;
  const short = digits < "2050";
  return der(short ? TAG.utcTime : TAG.generalizedTime, text(short ? digits.slice(2) : digits));
}

/** Text as UTF-8. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** DER in the lines of a PEM file (RFC 7468). */
export function pem(label: string, octets: Uint8Array): string {
  const lines =
    Buffer.from(octets)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
