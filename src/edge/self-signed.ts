import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIp, parseIp } from "../net/ip.ts";
import type { CertificatePair } from "./certificates.ts";
import { der, objectIdentifier, pem, sequence, TAG, text, time } from "./der.ts";

const VALID_MS = 397 * 86_400_000; // what browsers accept at most
const BACKDATED_MS = 86_400_000; // a client's clock may be behind ours
const MAX_COMMON_NAME = 64; // RFC 5280 appendix A.1

const ECDSA_WITH_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
const COMMON_NAME = objectIdentifier("2.5.4.3");
const KEY_USAGE = "2.5.29.15";
const SUBJECT_ALT_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SERVER_AUTH = objectIdentifier("1.3.6.1.5.5.7.3.1");

const VERSION_3 = der(TAG.constructedContext, der(TAG.integer, Uint8Array.of(2)));
const DIGITAL_SIGNATURE = der(TAG.bitString, Uint8Array.of(7, 0x80)); // seven bits unused
const NO_AUTHORITY = sequence();
const CRITICAL = der(TAG.boolean, Uint8Array.of(0xff));

/**
 * Makes an EC key (P-256) and a certificate for it that nobody else has signed, for the first run.
 *
 * @param names host names (ASCII) and IP addresses without brackets; `localhost` is added
 * @see RFC 5280 §4.1, §4.2
 */
export function selfSigned(names: readonly string[], nowUnixMs: number): CertificatePair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const all = [...new Set([...names, "localhost"])];
  const name = sequence(der(TAG.set, sequence(COMMON_NAME, der(TAG.utf8String, text((all[0] ?? "").slice(0, MAX_COMMON_NAME))))));
  const from = nowUnixMs - BACKDATED_MS;
  const body = sequence(
    VERSION_3,
    serialNumber(),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(from), time(from + VALID_MS)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(
      TAG.constructedContext + 3,
      sequence(
        extension(BASIC_CONSTRAINTS, NO_AUTHORITY, CRITICAL),
        extension(KEY_USAGE, DIGITAL_SIGNATURE, CRITICAL),
        extension(EXTENDED_KEY_USAGE, sequence(SERVER_AUTH)),
        extension(SUBJECT_ALT_NAME, sequence(...all.map(generalName))),
      ),
    ),
  );
  const signature = der(TAG.bitString, Uint8Array.of(0), sign("sha256", body, privateKey));
  return {
    certificate: pem("CERTIFICATE", sequence(body, ECDSA_WITH_SHA256, signature)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function extension(identifier: string, value: Uint8Array, ...critical: readonly Uint8Array[]): Uint8Array {
  return sequence(objectIdentifier(identifier), ...critical, der(TAG.octetString, value));
}

/** RFC 5280 §4.2.1.6: [2] is a DNS name, [7] an IP address. */
function generalName(name: string): Uint8Array {
  return isIp(name) ? der(TAG.context + 7, parseIp(name).octets) : der(TAG.context + 2, text(name));
}

/** Sixteen random octets of a positive number (RFC 5280 §4.1.2.2). */
function serialNumber(): Uint8Array {
  const octets = randomBytes(16);
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40;
  return der(TAG.integer, octets);
}
