import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { type DetailedPeerCertificate, TLSSocket } from "node:tls";

/** Whom a TLS line trusts. */
export interface TrustOptions {
  /** The name for SNI and for the certificate to carry; absent for an IP address. */
  readonly servername?: string | undefined;
  /** Certificate authorities as PEM, instead of the system's. */
  readonly ca?: string | undefined;
  /** false: any chain will do, and `distrust` says what is wrong with it. */
  readonly verify: boolean;
}

/** What the server showed, and what is wrong with it. */
export interface ServedChain {
  readonly chain: readonly X509Certificate[];
  readonly distrust: string | undefined;
}

/** The longest chain that is looked at: one that names itself as its issuer ends sooner. */
const MAX_CHAIN = 10;

/** The certificates behind a socket; none behind one without TLS. */
export function chainOf(socket: Socket): ServedChain {
  if (!(socket instanceof TLSSocket)) return { chain: [], distrust: undefined };
  const chain: X509Certificate[] = [];
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (certificate?.raw !== undefined && chain.length < MAX_CHAIN) {
    chain.push(new X509Certificate(certificate.raw));
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate;
    certificate = issuer?.fingerprint256 === certificate.fingerprint256 ? undefined : issuer;
  }
  return { chain, distrust: socket.authorized ? undefined : codeOf(socket.authorizationError) };
}

/** The runtimes give an error or its code. */
function codeOf(error: unknown): string {
  if (typeof error === "string") return error;
  return error instanceof Error ? ("code" in error ? String(error.code) : error.message) : "The chain was not verified";
}
