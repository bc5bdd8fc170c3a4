import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Server } from "node:tls";
import { assert } from "../lib/assert.ts";
import { formatIp, isIp, parseIp } from "../net/ip.ts";
import { selfSigned } from "./self-signed.ts";

/** A certificate chain, the leaf first, and the leaf's private key; both PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

/** What is known of the certificate in force. */
export interface CertificateFacts {
  /** Host names in lower case and IP addresses in canonical form. */
  readonly subjectAltNames: readonly string[];
  readonly notBeforeUnixMs: number;
  readonly notAfterUnixMs: number;
  /** Nobody else has signed it. */
  readonly selfSigned: boolean;
}

/** What became of a pair. */
export type Loaded =
  | { readonly kind: "taken"; readonly warnings: readonly string[]; readonly facts: CertificateFacts }
  | { readonly kind: "refused"; readonly complaint: string };

/** The certificate of one edge thread: judged before it is taken, swapped under open connections. */
export class Certificates {
  readonly #hostname: string;
  readonly #servers = new Set<Server>();
  #inForce: { readonly pair: CertificatePair; readonly facts: CertificateFacts } | undefined;

  /** @param hostname the name or address that clients are told, brackets aside */
  constructor(hostname: string) {
    this.#hostname = isIp(hostname) ? formatIp(parseIp(hostname)) : hostname.toLowerCase();
  }

  /** Makes a pair that nobody else has signed, for the first run. */
  static selfSigned(names: readonly string[], nowUnixMs: number): CertificatePair {
    return selfSigned(names, nowUnixMs);
  }

  /**
   * What a TLS server is made with: the pair in force, TLS 1.2 or later.
   *
   * @throws {Error} before a pair was taken
   */
  get contextOptions(): { cert: string; key: string; minVersion: "TLSv1.2" } {
    assert(this.#inForce !== undefined, "a certificate is loaded before anything is served with it");
    const { certificate, key } = this.#inForce.pair;
    return { cert: certificate, key, minVersion: "TLSv1.2" };
  }

  /** About the pair in force; `undefined` before one was taken. */
  get facts(): CertificateFacts | undefined {
    return this.#inForce?.facts;
  }

  /**
   * Judges a pair and puts it in force, for new connections only.
   *
   * One that cannot work (unreadable, key and certificate of two kinds) is refused, and what was in force stays. One that
   * is expired or not valid yet is refused only where a valid one is in force: at the start it is better than none.
   */
  load(pair: CertificatePair, nowUnixMs: number): Loaded {
    const read = readPair(pair);
    if (typeof read === "string") return { kind: "refused", complaint: read };
    const untimely = untimeliness(read, nowUnixMs);
    const before = this.#inForce?.facts;
    if (untimely !== undefined && before !== undefined && untimeliness(before, nowUnixMs) === undefined) {
      return { kind: "refused", complaint: untimely };
    }
    const warnings = untimely === undefined ? [] : [untimely];
    if (!namesHost(read.subjectAltNames, this.#hostname)) {
      const names = read.subjectAltNames.join(", ") || "nobody";
      warnings.push(`The certificate names ${names}, not ${this.#hostname}: clients will refuse it`);
    }
    this.#inForce = { pair, facts: read };
    for (const server of this.#servers) server.setSecureContext(this.contextOptions);
    return { kind: "taken", warnings, facts: read };
  }

  /** Keeps a server at the pair in force. */
  attach(server: Server): void {
    this.#servers.add(server);
  }

  /** Forgets a server. */
  detach(server: Server): void {
    this.#servers.delete(server);
  }
}

/** @returns the facts, or what is wrong with the pair */
function readPair({ certificate, key }: CertificatePair): CertificateFacts | string {
  let leaf: X509Certificate;
  let privateKey: KeyObject;
  try {
    leaf = new X509Certificate(certificate);
    for (const [pem] of certificate.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g))
      new X509Certificate(pem);
  } catch {
    return "The certificate file is no PEM certificate chain";
  }
  try {
    privateKey = createPrivateKey(key);
  } catch {
    return "The key file is no unencrypted PEM private key";
  }
  if (!leaf.checkPrivateKey(privateKey)) return "The key does not belong to the certificate";
  return {
    subjectAltNames: namesOf(leaf),
    notBeforeUnixMs: Date.parse(leaf.validFrom),
    notAfterUnixMs: Date.parse(leaf.validTo),
    selfSigned: leaf.issuer === leaf.subject,
  };
}

function untimeliness({ notBeforeUnixMs, notAfterUnixMs }: CertificateFacts, nowUnixMs: number): string | undefined {
  if (nowUnixMs > notAfterUnixMs) return `The certificate expired at ${new Date(notAfterUnixMs).toISOString()}`;
  if (nowUnixMs < notBeforeUnixMs) return `The certificate is not valid before ${new Date(notBeforeUnixMs).toISOString()}`;
  return undefined;
}

/** DNS names and IP addresses of subjectAltName (RFC 5280 §4.2.1.6); the subject's common name counts for nobody any more. */
function namesOf(leaf: X509Certificate): string[] {
  const names: string[] = [];
  for (const entry of (leaf.subjectAltName ?? "").split(", ")) {
    const [, kind, value = ""] = /^(DNS|IP Address):(.*)$/.exec(entry) ?? [];
    if (kind === "DNS") names.push(value.toLowerCase());
    else if (kind !== undefined && isIp(value)) names.push(formatIp(parseIp(value)));
  }
  return names;
}

/** RFC 9525 §6.3: a wildcard is the whole of the leftmost label. */
function namesHost(names: readonly string[], hostname: string): boolean {
  const wildcard = isIp(hostname) ? undefined : hostname.replace(/^[^.]+/, "*");
  return names.some((name) => name === hostname || name === wildcard);
}
