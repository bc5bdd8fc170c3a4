import type { TransactionId } from "../header.ts";

/** One layout of an attribute's value, without type, length and padding. */
export interface AttributeCodec<T> {
  /** @returns `undefined` for octets that are not this layout; a view of `value` where the value is octets */
  decode(value: Uint8Array, transactionId: TransactionId): T | undefined;
  /** Whether `decode` would take the octets that lie there, told without making anything of them; absent: only `decode` tells. */
  fits?(bytes: Uint8Array, at: number, length: number): boolean;
  /** @throws {RangeError} for a value that the layout has no room for: a mistake of ours */
  encode(value: T, transactionId: TransactionId): Uint8Array;
}
