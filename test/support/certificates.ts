import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { concat, fromHex, toHex } from "../../src/lib/bytes.ts";
import { isIp, parseIp } from "../../src/net/ip.ts";

const DAY_MS = 86_400_000;

/** A certificate chain and its private key, as PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority of a test's own. */
export interface TestAuthority {
  /** Its certificate as PEM, and as a file. */
  readonly pem: string;
  readonly file: string;
  /** A server certificate for names and IP addresses, valid for so many days from now; less than 0: expired. */
  issue(names: readonly string[], days?: number): CertifiedKey;
  /** The same, written to files. */
  issueFiles(names: readonly string[], days?: number): Promise<CertifiedKey>;
}

/**
 * Makes a certificate authority that nobody trusts who was not told to.
 *
 * @param within where its files go; absent: a directory of its own
 */
export async function testAuthority(within?: string): Promise<TestAuthority> {
  const name = "icebreaker test authority";
  const keys = newKeys();
  const from = Date.now() - DAY_MS;
  const constraints = [
    extension(OID.basicConstraints, sequence(der(0x01, Uint8Array.of(0xff)))),
    extension(OID.keyUsage, CERT_SIGN),
  ];
  const pem = certificate({ subject: name, issuer: name, from, until: from + 90 * DAY_MS, extensions: constraints }, keys, keys);
  const directory = within ?? (await mkdtemp(join(tmpdir(), "icebreaker-test-ca-")));
  const file = join(directory, "ca.pem");
  await writeFile(file, pem);

  const issue = (names: readonly string[], days = 30): CertifiedKey => {
    const own = newKeys();
    const until = Date.now() + days * DAY_MS;
    const alternatives = names.map((text) => (isIp(text) ? der(0x87, parseIp(text).octets) : der(0x82, ascii(text))));
    const extensions = [
      extension(OID.basicConstraints, sequence()),
      extension(OID.extendedKeyUsage, sequence(OID.serverAuth)),
      extension(OID.subjectAltName, sequence(...alternatives)),
    ];
    const facts = { subject: names[0] ?? "nobody", issuer: name, from: Math.min(from, until - DAY_MS), until, extensions };
    const key = own.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    return { certificate: certificate(facts, own, keys), key };
  };

  const issueFiles = async (names: readonly string[], days?: number): Promise<CertifiedKey> => {
    const pair = issue(names, days);
    const stem = join(directory, toHex(randomBytes(8)));
    await writeFile(`${stem}.pem`, pair.certificate);
    await writeFile(`${stem}.key`, pair.key, { mode: 0o600 });
    return { certificate: `${stem}.pem`, key: `${stem}.key` };
  };
  return { pem, file, issue, issueFiles };
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Facts {
  readonly subject: string;
  readonly issuer: string;
  readonly from: number;
  readonly until: number;
  readonly extensions: readonly Uint8Array[];
}

/** Object identifiers (RFC 5280, RFC 5758), encoded. */
const OID = {
  ecdsaWithSha256: fromHex("06082a8648ce3d040302"),
  commonName: fromHex("0603550403"),
  basicConstraints: fromHex("0603551d13"),
  keyUsage: fromHex("0603551d0f"),
  extendedKeyUsage: fromHex("0603551d25"),
  subjectAltName: fromHex("0603551d11"),
  serverAuth: fromHex("06082b06010505070301"),
};
/** keyCertSign and cRLSign as a BIT STRING. */
const CERT_SIGN = fromHex("03020106");

/** An X.509 certificate (RFC 5280 §4.1) in PEM. */
function certificate(facts: Facts, own: Keys, signer: Keys): string {
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, concat(Uint8Array.of(1), randomBytes(8))),
    sequence(OID.ecdsaWithSha256),
    commonName(facts.issuer),
    sequence(time(facts.from), time(facts.until)),
    commonName(facts.subject),
    own.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...facts.extensions)),
  );
  const signature = sign("sha256", toBeSigned, signer.privateKey);
  const whole = sequence(toBeSigned, sequence(OID.ecdsaWithSha256), der(0x03, Uint8Array.of(0), signature));
  const lines =
    Buffer.from(whole)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function newKeys(): Keys {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" });
}

function commonName(text: string): Uint8Array {
  return sequence(der(0x31, sequence(OID.commonName, der(0x0c, ascii(text)))));
}

function extension(oid: Uint8Array, value: Uint8Array): Uint8Array {
  return sequence(oid, der(0x04, value));
}

/** A GeneralizedTime. */
function time(unixMs: number): Uint8Array {
  const digits = new Date(unixMs).toISOString().replace(/\D/g, "").slice(0, 14);
  return der(0x18, ascii(`${digits}Z`));
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

/** A tag, a length and a value. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = concat(...parts);
  const { length } = value;
  const prefix = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.from(prefix), value);
}
