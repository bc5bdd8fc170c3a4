import { address } from "./attributes/address.ts";
import type { AttributeCodec } from "./attributes/codec.ts";
import { addressErrorCode, errorCode } from "./attributes/error-code.ts";
import { family } from "./attributes/family.ts";
import { changeRequest, evenPort, presence } from "./attributes/flags.ts";
import { icmp } from "./attributes/icmp.ts";
import { uint8, uint16, uint32 } from "./attributes/number.ts";
import { ANY_LENGTH, octets } from "./attributes/octets.ts";
import { passwordAlgorithm, passwordAlgorithms } from "./attributes/password-algorithm.ts";
import { MAX_TEXT_BYTES, text } from "./attributes/text.ts";
import { typeList } from "./attributes/type-list.ts";
import { xorAddress } from "./attributes/xor-address.ts";

/** An attribute that we know. */
export interface Attribute<T> {
  /** As the RFC writes it. */
  readonly name: string;
  /** Below 0x8000 it must be understood. */
  readonly type: number;
  readonly codec: AttributeCodec<T>;
  /** Where it is defined. */
  readonly section: string;
}

function attribute<T>(name: string, type: number, codec: AttributeCodec<T>, section: string): Attribute<T> {
  return { name, type, codec, section };
}

/** Every attribute that we know: one line each. To add one, add its line here and its getter in `message.ts`. */
export const ATTRIBUTE = {
  mappedAddress: attribute("MAPPED-ADDRESS", 0x0001, address, "RFC 8489 §14.1"),
  changeRequest: attribute("CHANGE-REQUEST", 0x0003, changeRequest, "RFC 5780 §7.2"),
  username: attribute("USERNAME", 0x0006, text(MAX_TEXT_BYTES, 508), "RFC 8489 §14.3"),
  messageIntegrity: attribute("MESSAGE-INTEGRITY", 0x0008, octets({ min: 20, max: 20 }), "RFC 8489 §14.5"),
  errorCode: attribute("ERROR-CODE", 0x0009, errorCode, "RFC 8489 §14.8"),
  unknownAttributes: attribute("UNKNOWN-ATTRIBUTES", 0x000a, typeList, "RFC 8489 §14.13"),
  channelNumber: attribute("CHANNEL-NUMBER", 0x000c, uint16, "RFC 8656 §18.1"),
  lifetime: attribute("LIFETIME", 0x000d, uint32, "RFC 8656 §18.2"),
  xorPeerAddress: attribute("XOR-PEER-ADDRESS", 0x0012, xorAddress, "RFC 8656 §18.3"),
  data: attribute("DATA", 0x0013, octets(ANY_LENGTH), "RFC 8656 §18.4"),
  realm: attribute("REALM", 0x0014, text(MAX_TEXT_BYTES), "RFC 8489 §14.9"),
  nonce: attribute("NONCE", 0x0015, octets({ min: 0, max: MAX_TEXT_BYTES }), "RFC 8489 §14.10"),
  xorRelayedAddress: attribute("XOR-RELAYED-ADDRESS", 0x0016, xorAddress, "RFC 8656 §18.5"),
  requestedAddressFamily: attribute("REQUESTED-ADDRESS-FAMILY", 0x0017, family, "RFC 8656 §18.6"),
  evenPort: attribute("EVEN-PORT", 0x0018, evenPort, "RFC 8656 §18.7"),
  requestedTransport: attribute("REQUESTED-TRANSPORT", 0x0019, uint8, "RFC 8656 §18.8"),
  dontFragment: attribute("DONT-FRAGMENT", 0x001a, presence, "RFC 8656 §18.9"),
  messageIntegritySha256: attribute("MESSAGE-INTEGRITY-SHA256", 0x001c, octets({ min: 16, max: 32, step: 4 }), "RFC 8489 §14.6"),
  passwordAlgorithm: attribute("PASSWORD-ALGORITHM", 0x001d, passwordAlgorithm, "RFC 8489 §14.12"),
  userhash: attribute("USERHASH", 0x001e, octets({ min: 32, max: 32 }), "RFC 8489 §14.4"),
  xorMappedAddress: attribute("XOR-MAPPED-ADDRESS", 0x0020, xorAddress, "RFC 8489 §14.2"),
  reservationToken: attribute("RESERVATION-TOKEN", 0x0022, octets({ min: 8, max: 8 }), "RFC 8656 §18.10"),
  padding: attribute("PADDING", 0x0026, octets(ANY_LENGTH), "RFC 5780 §7.6"),
  responsePort: attribute("RESPONSE-PORT", 0x0027, uint16, "RFC 5780 §7.5"),
  connectionId: attribute("CONNECTION-ID", 0x002a, uint32, "RFC 6062 §6.2.1"),
  additionalAddressFamily: attribute("ADDITIONAL-ADDRESS-FAMILY", 0x8000, family, "RFC 8656 §18.11"),
  addressErrorCode: attribute("ADDRESS-ERROR-CODE", 0x8001, addressErrorCode, "RFC 8656 §18.12"),
  passwordAlgorithms: attribute("PASSWORD-ALGORITHMS", 0x8002, passwordAlgorithms, "RFC 8489 §14.11"),
  alternateDomain: attribute("ALTERNATE-DOMAIN", 0x8003, text(255), "RFC 8489 §14.16"),
  icmp: attribute("ICMP", 0x8004, icmp, "RFC 8656 §18.13"),
  software: attribute("SOFTWARE", 0x8022, text(MAX_TEXT_BYTES), "RFC 8489 §14.14"),
  alternateServer: attribute("ALTERNATE-SERVER", 0x8023, address, "RFC 8489 §14.15"),
  fingerprint: attribute("FINGERPRINT", 0x8028, uint32, "RFC 8489 §14.7"),
  responseOrigin: attribute("RESPONSE-ORIGIN", 0x802b, address, "RFC 5780 §7.3"),
  otherAddress: attribute("OTHER-ADDRESS", 0x802c, address, "RFC 5780 §7.4"),
  mobilityTicket: attribute("MOBILITY-TICKET", 0x8030, octets(ANY_LENGTH), "RFC 8016 §3.3"),
};

/** The same by number. */
export const ATTRIBUTE_BY_TYPE: ReadonlyMap<number, Attribute<unknown>> = new Map(
  Object.values<Attribute<unknown>>(ATTRIBUTE).map((attribute) => [attribute.type, attribute]),
);

/** Whether an agent that does not know a type must refuse the message (RFC 8489 §14). */
export function mustBeUnderstood(type: number): boolean {
  return type < 0x8000;
}
