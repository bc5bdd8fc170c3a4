import { copyInto, readInt32, readUint16, writeUint16, writeUint32 } from "../lib/bytes.ts";

/** Type, length, cookie and transaction id: what every message begins with (RFC 8489 §5). */
export const HEADER_BYTES = 20;
export const MAGIC_COOKIE = 0x2112a442;

/** 12 octets that tell the transactions of a client apart. */
export type TransactionId = Uint8Array;

/** RFC 8489 §18.2, RFC 8656 §17, RFC 6062 §6.1. */
export const METHOD = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  createPermission: 0x008,
  channelBind: 0x009,
  connect: 0x00a,
  connectionBind: 0x00b,
  connectionAttempt: 0x00c,
} as const;

/** RFC 8489 §5. */
export const CLASS = { request: 0, indication: 1, success: 2, error: 3 } as const;
export type MessageClass = (typeof CLASS)[keyof typeof CLASS];

const CLASSES = [CLASS.request, CLASS.indication, CLASS.success, CLASS.error] as const;
const COOKIE_AS_INT32 = MAGIC_COOKIE | 0;

/** The class is spread over bits 4 and 8 of the type (RFC 8489 §5). */
export function classOf(type: number): MessageClass {
  return CLASSES[((type >> 7) & 2) | ((type >> 4) & 1)] ?? CLASS.request;
}

/** The twelve bits of the type that are not the class, closed up. */
export function methodOf(type: number): number {
  return (type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2);
}

/** Method and class as the first 16 bits of a message. */
export function messageType(method: number, messageClass: MessageClass): number {
  const methodBits = (method & 0x000f) | ((method & 0x0070) << 1) | ((method & 0x0f80) << 2);
  return methodBits | ((messageClass & 1) << 4) | ((messageClass & 2) << 7);
}

/** Whether octets begin like STUN: two zero bits, a length that is a multiple of 4, and the cookie (RFC 8489 §6.3). */
export function beginsLikeStun(bytes: Uint8Array, offset = 0): boolean {
  return (
    ((bytes[offset] ?? 0xff) & 0xc0) === 0 &&
    ((bytes[offset + 3] ?? 0xff) & 3) === 0 &&
    readInt32(bytes, offset + 4) === COOKIE_AS_INT32
  );
}

/** The octets behind the header, as the header says. */
export function bodyLength(bytes: Uint8Array, offset = 0): number {
  return readUint16(bytes, offset + 2);
}

/** Writes a header whose length is to be filled in by {@link writeBodyLength}. */
export function writeHeader(bytes: Uint8Array, method: number, messageClass: MessageClass, transactionId: TransactionId): void {
  writeUint16(bytes, 0, messageType(method, messageClass));
  writeBodyLength(bytes, 0);
  writeUint32(bytes, 4, MAGIC_COOKIE);
  copyInto(bytes, 8, transactionId);
}

/** Writes the length of what is behind the header. */
export function writeBodyLength(bytes: Uint8Array, length: number): void {
  writeUint16(bytes, 2, length);
}
