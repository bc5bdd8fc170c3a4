import type { X509Certificate } from "node:crypto";
import type { Transport } from "../net/address.ts";
import { RequestFailed } from "./probe.ts";

/** What was tried when it failed. */
export interface Attempt {
  readonly host: string;
  readonly transport: Transport;
  /** The address and port that were used, as text; absent before there was one. */
  readonly server?: string | undefined;
  readonly username?: string | undefined;
  /** What this machine takes for the time. */
  readonly nowUnixMs: number;
}

/** A failure in words that say what to look at; what nobody has words for stays as it is. */
export function diagnose(error: unknown, attempt: Attempt): string {
  if (error instanceof RequestFailed) return refusal(error, attempt);
  const code = error instanceof Error && "code" in error ? `${error.code}` : "";
  const { host, transport, server = host } = attempt;
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${host} does not resolve here (${code})`;
    case "ECONNREFUSED":
      return `nothing listens at ${server} over ${transport === "udp" ? "UDP" : "TCP"} (${code})`;
    case "ECONNRESET":
      return `the connection to ${server} was reset (${code}): a firewall, or a server that speaks something else`;
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return `there is no way to ${server} from here (${code})`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function refusal(error: RequestFailed, { transport, server, username, nowUnixMs }: Attempt): string {
  if (error.code === undefined) {
    if (transport !== "udp") return `${error.message}: ${server} accepted the connection, and says nothing`;
    return `${error.message}: UDP to ${server} is blocked on the way, or nothing listens there`;
  }
  if (error.code !== 401) return error.message;
  const expiry = Number(/^(\d{9,11})(?=:|$)/.exec(username ?? "")?.[1] ?? Number.NaN) * 1000;
  if (Number.isNaN(expiry)) return `${error.message}: the server does not know these credentials`;
  const moment = new Date(expiry).toISOString();
  if (expiry < nowUnixMs) return `${error.message}: the credential expired at ${moment}`;
  const clock = `the server's clock is ahead of ours, by which it is good until ${moment}`;
  return `${error.message}: the credential is wrong, revoked or of another region, or ${clock}`;
}

/** Why a served chain is not to be trusted, in words; `code` is OpenSSL's. */
export function distrustInWords(code: string, leaf: X509Certificate | undefined, host: string, nowUnixMs: number): string {
  const { issuer = "", subjectAltName = "nobody", validFrom = "", validTo = "" } = leaf ?? {};
  const iso = (text: string): string => new Date(text).toISOString();
  if (leaf !== undefined && Date.parse(validTo) < nowUnixMs) return `it expired at ${iso(validTo)} (${code})`;
  if (leaf !== undefined && Date.parse(validFrom) > nowUnixMs)
    return `it is not valid before ${iso(validFrom)} (${code}): is this machine's clock right?`;
  if (leaf !== undefined && leaf.issuer === leaf.subject) return `it is self-signed (${code})`;
  switch (code) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
    case "HOSTNAME_MISMATCH":
      return `it names ${subjectAltName}, not ${host} (${code})`;
    case "CERT_SIGNATURE_FAILURE":
      return `the authority that it names, ${issuer}, has not signed it (${code})`;
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return `no authority that this machine trusts has signed it, or a link of the chain is missing; it names ${issuer} as its issuer (${code})`;
    default:
      return code;
  }
}
