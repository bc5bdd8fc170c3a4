import assert from "node:assert/strict";
import { fromHex } from "../../src/lib/bytes.ts";
import { ATTRIBUTE, type Attribute } from "../../src/stun/attributes.ts";
import { dump } from "../../src/stun/dump.ts";
import { checkFingerprint } from "../../src/stun/fingerprint.ts";
import { verifyIntegrity, verifyIntegritySha256 } from "../../src/stun/integrity.ts";
import { Message } from "../../src/stun/message.ts";

const key = fromHex("0011");

/** Every attribute that there is. */
export const KNOWN_ATTRIBUTES = Object.values<Attribute<unknown>>(ATTRIBUTE);

/** Asks a STUN message everything that can be asked. */
export function readAll(bytes: Uint8Array): Message | undefined {
  assert.ok(dump(bytes).length > 0);
  const message = Message.decode(bytes);
  if (message === undefined) return undefined;
  for (const attribute of KNOWN_ATTRIBUTES) {
    const value: unknown = message.first(attribute);
    assert.ok(value === undefined || message.has(attribute.type));
  }
  assert.ok(message.malformed.length + message.unknownRequired.length <= message.offsets.length);
  assert.ok(message.xorPeerAddresses.length <= message.offsets.length);
  verifyIntegrity(message, key);
  verifyIntegritySha256(message, key);
  checkFingerprint(message);
  return message;
}
