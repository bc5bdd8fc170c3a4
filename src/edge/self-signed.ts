import { isIp } from "../net/ip.ts";
import type { CertificatePair } from "./certificates.ts";

const VALID_MS = 397 * 86_400_000; // what browsers accept at most
/** A client's clock may be behind ours. */
const BACKDATED_MS = 86_400_000;

/**
 * Makes an EC key (P-256) and a certificate for it that nobody else has signed, for the first run.
 *
 * @param names host names and IP addresses without brackets; `localhost` is added
 */
export async function selfSigned(names: readonly string[], nowUnixMs: number): Promise<CertificatePair> {
  // Loaded here: it is needed once in the life of a gateway.
  const x509 = await import("@peculiar/x509");
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const all = [...new Set([...names, "localhost"])];
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [all[0] ?? "localhost"] }],
    serialNumber: serialNumber(),
    notBefore: new Date(nowUnixMs - BACKDATED_MS),
    notAfter: new Date(nowUnixMs - BACKDATED_MS + VALID_MS),
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(all.map((name) => ({ type: isIp(name) ? "ip" : "dns", value: name }))),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const lines = pkcs8.match(/.{1,64}/g) ?? [];
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`,
  };
}

/** Sixteen random octets, positive (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(octets).toString("hex");
}
