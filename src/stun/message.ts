import { copyInto, copyOf, readUint16, writeUint16 } from "../lib/bytes.ts";
import type { TransportAddress } from "../net/address.ts";
import type { AddressErrorCode, ErrorCode } from "./attributes/error-code.ts";
import type { RequestedFamily } from "./attributes/family.ts";
import type { ChangeRequest, EvenPort } from "./attributes/flags.ts";
import type { Icmp } from "./attributes/icmp.ts";
import type { PasswordAlgorithm } from "./attributes/password-algorithm.ts";
import { ATTRIBUTE, ATTRIBUTE_BY_TYPE, type Attribute, mustBeUnderstood } from "./attributes.ts";
import { fingerprintOf } from "./fingerprint.ts";
import {
  beginsLikeStun,
  bodyLength,
  classOf,
  HEADER_BYTES,
  type MessageClass,
  methodOf,
  type TransactionId,
  writeBodyLength,
  writeHeader,
} from "./header.ts";
import { type IntegrityHash, integrityCode } from "./integrity.ts";

/** More attributes than any request needs: 64 permissions at once leave as many for the rest. */
export const MAX_ATTRIBUTES = 128;

/**
 * A STUN message as a view over its bytes: decoding notes where the attributes lie and nothing more, each is read
 * when it is asked for, and octets that come out are views too.
 *
 * Of an attribute that comes twice the first counts. What stands behind MESSAGE-INTEGRITY is ignored but for
 * MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, behind MESSAGE-INTEGRITY-SHA256 but for FINGERPRINT, and behind FINGERPRINT
 * without exception.
 *
 * @see RFC 8489 §5, §14
 */
export class Message {
  readonly bytes: Uint8Array;
  readonly method: number;
  readonly class: MessageClass;
  /** Where the attributes that count begin, in the order of the message. */
  readonly offsets: readonly number[];
  #transactionId: TransactionId | undefined;

  private constructor(bytes: Uint8Array, offsets: readonly number[]) {
    const type = readUint16(bytes, 0);
    this.bytes = bytes;
    this.method = methodOf(type);
    this.class = classOf(type);
    this.offsets = offsets;
  }

  /**
   * Reads a message that fills `bytes`.
   *
   * @returns `undefined` for anything else: other first bits, another cookie, a length that is not the rest of the
   *   bytes, an attribute that reaches past the end, more than {@link MAX_ATTRIBUTES}
   */
  static decode(bytes: Uint8Array): Message | undefined {
    if (bytes.length < HEADER_BYTES || !beginsLikeStun(bytes)) return undefined;
    if (bodyLength(bytes) !== bytes.length - HEADER_BYTES) return undefined;
    const offsets = attributeOffsets(bytes);
    return offsets && new Message(bytes, offsets);
  }

  get transactionId(): TransactionId {
    // Every attribute is read with it: one view for all.
    this.#transactionId ??= this.bytes.subarray(8, HEADER_BYTES);
    return this.#transactionId;
  }

  /** Whether an attribute is there, well-formed or not. */
  has(type: number): boolean {
    return this.offsetOf(type) !== undefined;
  }

  /** Where the first attribute of a type begins (at its type, not its value). */
  offsetOf(type: number): number | undefined {
    for (const offset of this.offsets) if (readUint16(this.bytes, offset) === type) return offset;
    return undefined;
  }

  /** The octets of the value of the attribute at an offset, without padding. */
  valueAt(offset: number): Uint8Array {
    return this.bytes.subarray(offset + 4, offset + 4 + readUint16(this.bytes, offset + 2));
  }

  /** Whether the first attribute of a kind is there and well-formed: what {@link first} would find, told without reading it. */
  holds(attribute: Attribute<unknown>): boolean {
    const offset = this.offsetOf(attribute.type);
    return offset !== undefined && this.#fits(attribute, offset);
  }

  #fits({ codec }: Attribute<unknown>, offset: number): boolean {
    if (codec.fits !== undefined) return codec.fits(this.bytes, offset + 4, readUint16(this.bytes, offset + 2));
    return codec.decode(this.valueAt(offset), this.transactionId) !== undefined;
  }

  /** The first attribute of a kind; `undefined` where there is none, or where its value is malformed. */
  first<T>(attribute: Attribute<T>): T | undefined {
    const offset = this.offsetOf(attribute.type);
    return offset === undefined ? undefined : attribute.codec.decode(this.valueAt(offset), this.transactionId);
  }

  /** Types of those attributes that we know and whose value does not decode. Only the first of a type is looked at, but every XOR-PEER-ADDRESS. */
  get malformed(): readonly number[] {
    const types: number[] = [];
    for (const offset of this.offsets) {
      const type = readUint16(this.bytes, offset);
      const attribute = ATTRIBUTE_BY_TYPE.get(type);
      if (attribute === undefined || types.includes(type)) continue;
      if (type !== ATTRIBUTE.xorPeerAddress.type && this.offsetOf(type) !== offset) continue;
      if (!this.#fits(attribute, offset)) types.push(type);
    }
    return types;
  }

  /** Types that must be understood and that we do not know, each once, for UNKNOWN-ATTRIBUTES. */
  get unknownRequired(): readonly number[] {
    const types: number[] = [];
    for (const offset of this.offsets) {
      const type = readUint16(this.bytes, offset);
      if (mustBeUnderstood(type) && !ATTRIBUTE_BY_TYPE.has(type) && !types.includes(type)) types.push(type);
    }
    return types;
  }

  /** Every XOR-PEER-ADDRESS that is well-formed, for CreatePermission (RFC 8656 §10.1). */
  get xorPeerAddresses(): readonly TransportAddress[] {
    const { type, codec } = ATTRIBUTE.xorPeerAddress;
    const addresses: TransportAddress[] = [];
    for (const offset of this.offsets) {
      if (readUint16(this.bytes, offset) !== type) continue;
      const address = codec.decode(this.valueAt(offset), this.transactionId);
      if (address) addresses.push(address);
    }
    return addresses;
  }

  get mappedAddress(): TransportAddress | undefined {
    return this.first(ATTRIBUTE.mappedAddress);
  }

  get changeRequest(): ChangeRequest | undefined {
    return this.first(ATTRIBUTE.changeRequest);
  }

  get username(): string | undefined {
    return this.first(ATTRIBUTE.username);
  }

  get messageIntegrity(): Uint8Array | undefined {
    return this.first(ATTRIBUTE.messageIntegrity);
  }

  get errorCode(): ErrorCode | undefined {
    return this.first(ATTRIBUTE.errorCode);
  }

  /** Types. */
  get unknownAttributes(): readonly number[] | undefined {
    return this.first(ATTRIBUTE.unknownAttributes);
  }

  get channelNumber(): number | undefined {
    return this.first(ATTRIBUTE.channelNumber);
  }

  /** In seconds. */
  get lifetime(): number | undefined {
    return this.first(ATTRIBUTE.lifetime);
  }

  /** The first; {@link xorPeerAddresses} has all. */
  get xorPeerAddress(): TransportAddress | undefined {
    return this.first(ATTRIBUTE.xorPeerAddress);
  }

  get data(): Uint8Array | undefined {
    return this.first(ATTRIBUTE.data);
  }

  get realm(): string | undefined {
    return this.first(ATTRIBUTE.realm);
  }

  get nonce(): Uint8Array | undefined {
    return this.first(ATTRIBUTE.nonce);
  }

  get xorRelayedAddress(): TransportAddress | undefined {
    return this.first(ATTRIBUTE.xorRelayedAddress);
  }

  get requestedAddressFamily(): RequestedFamily | undefined {
    return this.first(ATTRIBUTE.requestedAddressFamily);
  }

  get evenPort(): EvenPort | undefined {
    return this.first(ATTRIBUTE.evenPort);
  }

  /** As IP numbers it: 17 is UDP, 6 is TCP. */
  get requestedTransport(): number | undefined {
    return this.first(ATTRIBUTE.requestedTransport);
  }

  get dontFragment(): true | undefined {
    return this.first(ATTRIBUTE.dontFragment);
  }

  get messageIntegritySha256(): Uint8Array | undefined {
    return this.first(ATTRIBUTE.messageIntegritySha256);
  }

  get passwordAlgorithm(): PasswordAlgorithm | undefined {
    return this.first(ATTRIBUTE.passwordAlgorithm);
  }

  get userhash(): Uint8Array | undefined {
    return this.first(ATTRIBUTE.userhash);
  }

  get xorMappedAddress(): TransportAddress | undefined {
    return this.first(ATTRIBUTE.xorMappedAddress);
  }

  get reservationToken(): Uint8Array | undefined {
    return this.first(ATTRIBUTE.reservationToken);
  }

  get padding(): Uint8Array | undefined {
    return this.first(ATTRIBUTE.padding);
  }

  get responsePort(): number | undefined {
    return this.first(ATTRIBUTE.responsePort);
  }

  get connectionId(): number | undefined {
    return this.first(ATTRIBUTE.connectionId);
  }

  get additionalAddressFamily(): RequestedFamily | undefined {
    return this.first(ATTRIBUTE.additionalAddressFamily);
  }

  get addressErrorCode(): AddressErrorCode | undefined {
    return this.first(ATTRIBUTE.addressErrorCode);
  }

  /** The best first. */
  get passwordAlgorithms(): readonly PasswordAlgorithm[] | undefined {
    return this.first(ATTRIBUTE.passwordAlgorithms);
  }

  get alternateDomain(): string | undefined {
    return this.first(ATTRIBUTE.alternateDomain);
  }

  get icmp(): Icmp | undefined {
    return this.first(ATTRIBUTE.icmp);
  }

  get software(): string | undefined {
    return this.first(ATTRIBUTE.software);
  }

  get alternateServer(): TransportAddress | undefined {
    return this.first(ATTRIBUTE.alternateServer);
  }

  get fingerprint(): number | undefined {
    return this.first(ATTRIBUTE.fingerprint);
  }

  get responseOrigin(): TransportAddress | undefined {
    return this.first(ATTRIBUTE.responseOrigin);
  }

  get otherAddress(): TransportAddress | undefined {
    return this.first(ATTRIBUTE.otherAddress);
  }

  get mobilityTicket(): Uint8Array | undefined {
    return this.first(ATTRIBUTE.mobilityTicket);
  }
}

/** Which attributes end what counts, and in which order they may follow each other. */
function rankOf(type: number): number {
  if (type === ATTRIBUTE.messageIntegrity.type) return 1;
  if (type === ATTRIBUTE.messageIntegritySha256.type) return 2;
  return type === ATTRIBUTE.fingerprint.type ? 3 : 0;
}

/** Where the attributes that count begin; `undefined` if one reaches past the end, or if they are too many. */
function attributeOffsets(bytes: Uint8Array): number[] | undefined {
  const offsets: number[] = [];
  let sealed = 0;
  let count = 0;
  for (let at = HEADER_BYTES; at < bytes.length; count++) {
    const next = at + 4 + ((readUint16(bytes, at + 2) + 3) & ~3);
    if (next > bytes.length || count === MAX_ATTRIBUTES) return undefined;
    const rank = rankOf(readUint16(bytes, at));
    if (sealed === 0 || rank > sealed) {
      offsets.push(at);
      sealed = rank;
    }
    at = next;
  }
  return offsets;
}

/**
 * Writes a message, attribute by attribute into one growing buffer.
 *
 * @example
 * ```ts
 * new MessageBuilder(METHOD.binding, CLASS.success, request.transactionId)
 *   .add(ATTRIBUTE.xorMappedAddress, from.client)
 *   .fingerprint()
 *   .build();
 * ```
 */
export class MessageBuilder {
  readonly #transactionId: TransactionId;
  #bytes = new Uint8Array(256);
  #length = HEADER_BYTES;

  /** @param transactionId 12 octets, copied */
  constructor(method: number, messageClass: MessageClass, transactionId: TransactionId) {
    writeHeader(this.#bytes, method, messageClass, transactionId);
    this.#transactionId = copyOf(this.#bytes, 8, HEADER_BYTES);
  }

  /** @throws {RangeError} for a value that its layout has no room for, and when the message is full (65,535 octets) */
  add<T>(attribute: Attribute<T>, value: T): this {
    this.#append(attribute.type, attribute.codec.encode(value, this.#transactionId));
    return this;
  }

  /** Adds MESSAGE-INTEGRITY over what is there; nothing but `signSha256` and `fingerprint` may follow. */
  sign(key: Uint8Array): this {
    return this.#sign(ATTRIBUTE.messageIntegrity.type, "sha1", key);
  }

  /** Adds MESSAGE-INTEGRITY-SHA256 over what is there, in its full length; nothing but `fingerprint` may follow. */
  signSha256(key: Uint8Array): this {
    return this.#sign(ATTRIBUTE.messageIntegritySha256.type, "sha256", key);
  }

  /** Adds FINGERPRINT; nothing may follow. */
  fingerprint(): this {
    writeBodyLength(this.#bytes, this.#length + 8 - HEADER_BYTES);
    return this.add(ATTRIBUTE.fingerprint, fingerprintOf(this.#bytes.slice(0, this.#length)));
  }

  /** The message; the builder may go on. */
  build(): Uint8Array {
    writeBodyLength(this.#bytes, this.#length - HEADER_BYTES);
    return copyOf(this.#bytes, 0, this.#length);
  }

  #sign(type: number, hash: IntegrityHash, key: Uint8Array): this {
    this.#append(type, integrityCode(hash, this.#bytes, this.#length, key));
    return this;
  }

  #append(type: number, value: Uint8Array): void {
    const start = this.#length + 4;
    const end = start + ((value.length + 3) & ~3);
    if (end > HEADER_BYTES + 0xffff) throw new RangeError(`A message of ${end} octets, where ${HEADER_BYTES + 0xffff} fit`);
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    writeUint16(this.#bytes, this.#length, type);
    writeUint16(this.#bytes, this.#length + 2, value.length);
    copyInto(this.#bytes, start, value);
    this.#length = end;
  }
}
