import type { Credential } from "./credential.ts";
import type { Endpoints } from "./endpoints.ts";

/** How a client may reach a relay. */
export type IceTransport = "udp" | "tcp" | "tls";

/** One entry of RTCPeerConnection's `iceServers`. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** The answer of `POST /v1/credentials` and of `icebreaker mint`. */
export interface MintAnswer extends Credential {
  readonly region: string;
  readonly iceServers: readonly IceServer[];
}

/** The answer of `GET /api/v1/ice-servers`. */
export interface IceServersAnswer {
  readonly iceServers: readonly IceServer[];
}

const everyTransport: readonly IceTransport[] = ["udp", "tcp", "tls"];

/**
 * The answer of `POST /v1/credentials`: the pair, and one entry with every URL of a gateway.
 *
 * Listeners that are off have no URL, so there are at most four. Where nothing is left, `iceServers` is empty: an
 * entry without URLs would make RTCPeerConnection throw. Without TURN the entry has no credential.
 *
 * @param transports only the URLs of these; order and duplicates do not matter
 */
export function mintAnswer(
  pair: Credential,
  region: string,
  endpoints: Endpoints,
  transports: readonly IceTransport[] = everyTransport,
): MintAnswer {
  const { username, credential, ttl } = pair;
  const stun = transports.includes("udp") ? stunUrls(endpoints) : [];
  const turn = turnUrls(endpoints, transports, "?transport=udp");
  const urls = [...stun, ...turn];
  const entry = turn.length > 0 ? { urls, username, credential } : { urls };
  return { username, credential, ttl, region, iceServers: urls.length > 0 ? [entry] : [] };
}

/**
 * The answer of `GET /api/v1/ice-servers`: an entry of STUN servers, ours and the configured ones, then one of TURN.
 *
 * @param otherStunUrls `stun.urls` of the settings
 */
export function iceServersAnswer(pair: Credential, endpoints: Endpoints, otherStunUrls: readonly string[]): IceServersAnswer {
  const { username, credential } = pair;
  const stun = [...new Set([...stunUrls(endpoints), ...otherStunUrls])];
  const turn = turnUrls(endpoints, everyTransport, "");
  const iceServers: IceServer[] = [];
  if (stun.length > 0) iceServers.push({ urls: stun });
  if (turn.length > 0) iceServers.push({ urls: turn, username, credential });
  return { iceServers };
}

function stunUrls({ hostname, udp }: Endpoints): string[] {
  return udp === undefined ? [] : [`stun:${hostOf(hostname)}:${udp}`];
}

/** @param udpSuffix the two pages differ in it: UDP is the default of RFC 7065 §3.1, and one of them says so all the same */
function turnUrls(
  { hostname, udp, tcp, tls, relay }: Endpoints,
  transports: readonly IceTransport[],
  udpSuffix: string,
): string[] {
  if (!relay) return [];
  const host = hostOf(hostname);
  const urls: string[] = [];
  if (udp !== undefined && transports.includes("udp")) urls.push(`turn:${host}:${udp}${udpSuffix}`);
  if (tcp !== undefined && transports.includes("tcp")) urls.push(`turn:${host}:${tcp}?transport=tcp`);
  if (tls !== undefined && transports.includes("tls")) urls.push(`turns:${host}:${tls}?transport=tcp`);
  return urls;
}

/** A bare IPv6 address stands in brackets (RFC 3986 §3.2.2, by RFC 7064 and 7065). */
function hostOf(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
