const SHORT_BYTES = 256;

/** Reads 16 bits, big-endian. Octets past the end read as 0: the caller has checked the length. */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

/** Reads 32 bits, big-endian, as an unsigned number. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset) >>> 0;
}

/** Reads 32 bits, big-endian, as a signed number: the cheap form, for comparing and hashing. */
export function readInt32(bytes: Uint8Array, offset: number): number {
  return (readUint16(bytes, offset) << 16) | readUint16(bytes, offset + 2);
}

/** Writes the low 16 bits, big-endian. */
export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/** Writes the low 32 bits, big-endian. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  writeUint16(bytes, offset, value >>> 16);
  writeUint16(bytes, offset + 2, value);
}

/** A copy of some octets. Not `slice`: what sockets hand over is a `Buffer`, whose `slice` is a view of the same memory. */
export function copyOf(bytes: Uint8Array, from: number, to: number = bytes.length): Uint8Array {
  const copy = new Uint8Array(Math.max(0, Math.min(to, bytes.length) - from));
  // A view costs as much as to copy some hundred octets one by one.
  if (copy.length > SHORT_BYTES) copy.set(bytes.subarray(from, to));
  else for (let i = 0; i < copy.length; i++) copy[i] = bytes[from + i] ?? 0;
  return copy;
}

/** Copies octets into a place of others, as `set` does. */
export function copyInto(target: Uint8Array, at: number, bytes: Uint8Array): void {
  if (bytes.length > SHORT_BYTES) target.set(bytes, at);
  else for (let i = 0; i < bytes.length; i++) target[at + i] = bytes[i] ?? 0;
}

/** A map key: equal exactly for equal octets. */
export function octetKey(octets: Uint8Array): string {
  // Many at a time, not spread, for this is asked several times for each request; and so a short key is one piece, not a chain.
  const from = String.fromCharCode;
  const o = (at: number): number => octets[at] ?? 0;
  let key = "";
  let at = 0;
  for (; at + 12 <= octets.length; at += 12) {
    const [b, c] = [at + 4, at + 8];
    key += from(o(at), o(at + 1), o(at + 2), o(at + 3), o(b), o(b + 1), o(b + 2), o(b + 3), o(c), o(c + 1), o(c + 2), o(c + 3));
  }
  for (; at + 4 <= octets.length; at += 4) key += from(o(at), o(at + 1), o(at + 2), o(at + 3));
  for (; at < octets.length; at++) key += from(o(at));
  return key;
}

/** Joins pieces into one new array. */
export function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/**
 * Octets from hexadecimal digits; spaces and line ends between them do not matter.
 *
 * @throws {SyntaxError} for anything but pairs of digits
 */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new SyntaxError("This is not hexadecimal");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** Lower-case hexadecimal digits, without separators. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const octet of bytes) text += octet.toString(16).padStart(2, "0");
  return text;
}

/** Compares in a time that depends on the lengths alone, for what an attacker may guess at. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && holdsBytes(a, 0, b);
}

/** Whether octets lie at a place of others, found out in a time that depends on how many they are alone. */
export function holdsBytes(bytes: Uint8Array, at: number, octets: Uint8Array): boolean {
  if (at + octets.length > bytes.length) return false;
  let difference = 0;
  for (let i = 0; i < octets.length; i++) difference |= (bytes[at + i] ?? 0) ^ (octets[i] ?? 0);
  return difference === 0;
}
