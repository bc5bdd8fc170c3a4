import { KEYS } from "../config/keys.ts";
import type { LoadedSettings } from "../config/load.ts";
import type { Settings } from "../config/schema.ts";
import type { Endpoints } from "../credentials/endpoints.ts";
import { isWildcard } from "../dataplane/socket.ts";
import type { TransportAddress } from "../net/address.ts";
import { equalIp, formatIp, type IpAddress } from "../net/ip.ts";
import { deniedByDefault } from "../net/special-ranges.ts";
import type { RelayAddress } from "../policy/ports.ts";
import type { ApiSettings, PeerSettings, ShardSettings } from "../threads/plan.ts";
import type { Host } from "./host.ts";

/** The most edge threads: HTTPS and stream relays share the cores with the relay threads. */
const MAX_EDGE_THREADS = 8;

/** How many threads of each kind. */
export interface ThreadCounts {
  readonly relay: number;
  readonly edge: number;
}

/** Threads by `relay.workers`; 0 means one for each core. */
export function threadCounts({ relay }: Settings, host: Host): ThreadCounts {
  const workers = relay.workers === 0 ? host.cores : relay.workers;
  return { relay: workers, edge: Math.min(workers, MAX_EDGE_THREADS) };
}

/** Addresses that relayed sockets bind and show: those of the settings, else the default routes' own. */
export function relayAddresses({ relay }: Settings, host: Host): readonly RelayAddress[] {
  const locals = relay.address.length > 0 ? relay.address : fallbackSources(host);
  if (relay.address.length > 0) return locals.map((local, i) => ({ local, shown: relay.external_address[i] ?? local }));
  return locals.map((local) => ({
    local,
    shown: relay.external_address.find(({ family }) => family === local.family) ?? local,
  }));
}

/** A machine without a default route is a test bench or an island: it relays on what it has. */
function fallbackSources({ defaultSources, addresses }: Host): readonly IpAddress[] {
  if (defaultSources.length > 0) return defaultSources;
  const usable = addresses.filter((ip) => !formatIp(ip).startsWith("fe80:"));
  return [4, 6].flatMap((family) => usable.filter((ip) => ip.family === family).slice(0, 1));
}

/** The host in every ICE URL, and the realm: `hostname`, else the first external address. */
export function publicName(settings: Settings, relays: readonly RelayAddress[]): string {
  const [first] = relays;
  return settings.hostname ?? (first === undefined ? "localhost" : formatIp(first.shown));
}

/** Where main found its listeners: the first of each kind, with the port in force. */
export interface BoundPorts {
  readonly udp: readonly TransportAddress[];
  readonly tcp: readonly TransportAddress[];
  readonly tls: readonly TransportAddress[];
}

/** What ICE URLs are made of: `[advertise]`, else the listeners' own ports. */
export function endpoints(settings: Settings, hostname: string, bound: BoundPorts): Endpoints {
  const { advertise } = settings;
  const port = (kind: "udp" | "tcp" | "tls"): { [key in "udp" | "tcp" | "tls"]?: number } => {
    const [first] = bound[kind];
    return first === undefined ? {} : { [kind]: advertise[kind] === 0 ? first.port : advertise[kind] };
  };
  return { hostname, ...port("udp"), ...port("tcp"), ...port("tls"), relay: settings.relay.enabled };
}

/** What every shard is told; `own` is read again every few seconds. */
export function shardSettings(
  settings: Settings,
  realm: string,
  own: readonly IpAddress[],
  udp: readonly TransportAddress[],
): ShardSettings {
  const { limits, credentials, relay, log } = settings;
  return {
    engine: {
      realm,
      relayEnabled: relay.enabled,
      onExpiry: credentials.on_expiry,
      maxAllocationAgeSeconds: credentials.max_allocation_age,
      peersPerAllocation: limits.peers_per_allocation,
      dontFragment: true,
      mobility: relay.mobility,
      tcpRelay: relay.tcp,
      behaviorDiscovery: behaviorDiscovery(udp),
    },
    peers: peerSettings(settings, own),
    quota: {
      perCredential: limits.allocations_per_credential,
      perLabel: limits.allocations_per_label,
      perProject: limits.allocations_per_project,
    },
    bytesPerSecond: limits.bandwidth_per_allocation,
    unauthenticatedRepliesPerSecond: limits.unauthenticated_replies_per_second,
    debug: log.level === "debug" || log.level === "trace",
  };
}

/** `[relay.peers]`, and what is our own. */
export function peerSettings({ relay }: Settings, own: readonly IpAddress[]): PeerSettings {
  const { allow, deny, only, min_port } = relay.peers;
  return { allow, deny, only, minPort: min_port, own };
}

/** Every local and external address of the host. */
export function ownAddresses(settings: Settings, host: Host): readonly IpAddress[] {
  return [...host.addresses, ...settings.relay.external_address];
}

/**
 * RFC 5780 where `listen.udp` names two addresses of one family with the same two ports each, in any order.
 *
 * @returns `[A1:P1, A1:P2, A2:P1, A2:P2]`, or nothing
 */
function behaviorDiscovery(udp: readonly TransportAddress[]): readonly TransportAddress[] {
  const [first] = udp;
  if (first === undefined || udp.length !== 4 || udp.some((address) => isWildcard(address))) return [];
  const sorted = [...udp].sort((a, b) => a.port - b.port);
  const here = sorted.filter(({ ip }) => equalIp(ip, first.ip));
  const there = sorted.filter(({ ip }) => !equalIp(ip, first.ip));
  const [other] = there;
  const isPair = other?.ip.family === first.ip.family && there.every(({ ip }) => equalIp(ip, other.ip));
  const ports = (addresses: readonly TransportAddress[]): string => addresses.map(({ port }) => port).join();
  return isPair && here.length === 2 && ports(here) === ports(there) ? [...here, ...there] : [];
}

/** Calls that a range of ports should have room for, even on a gateway for few. */
const FEW_PORTS = 100;

/** What an operator should know at start, in sentences that name the setting. */
export function warnings(settings: Settings, relays: readonly RelayAddress[]): readonly string[] {
  if (!settings.relay.enabled) return [];
  const { first, last } = settings.relay.ports;
  const sentences = relays
    .filter(({ shown }) => deniedByDefault(shown) !== undefined)
    .map(({ shown }) => {
      const address = formatIp(shown);
      return `Relayed addresses are on ${address}, which peers elsewhere cannot reach: set relay.external_address to the public one`;
    });
  if (last - first + 1 < FEW_PORTS)
    sentences.push(`relay.ports is ${first}-${last}: no more than ${last - first + 1} allocations at a time have room there`);
  for (const { port } of settings.listen.udp)
    if (port >= first && port <= last)
      sentences.push(`relay.ports holds ${port}, a port of listen.udp: no relay can have that one`);
  return sentences;
}

/** What the API is told; `publicKey` is the text of `auth.jwt.public_key`'s file. */
export function apiSettings(
  settings: Settings,
  own: { readonly id: string; readonly endpoints: Endpoints; readonly version: string; readonly publicKey: string | undefined },
): ApiSettings {
  const { credentials, http, stun, limits, listen, region } = settings;
  return {
    http: {
      defaultTtl: credentials.default_ttl,
      maxTtl: credentials.max_ttl,
      iceServersTtl: credentials.ice_servers_ttl,
      corsOrigins: http.cors_origins,
      stunUrls: stun.urls,
    },
    jwt: jwtSettings(settings, own.publicKey),
    mintsPerKeyPerMinute: limits.mints_per_key_per_minute,
    own: { id: own.id, region, endpoints: own.endpoints },
    trustedProxies: listen.trusted_proxies,
    version: own.version,
  };
}

function jwtSettings({ auth }: Settings, publicKey: string | undefined): ApiSettings["jwt"] {
  if (auth.jwt === undefined) return undefined;
  const { issuer, audience, jwks, secret, project } = auth.jwt;
  const algorithms = auth.jwt.algorithms ?? (secret === undefined ? ["RS256", "ES256"] : ["HS256"]);
  return { issuer, audience, jwks, project, algorithms, publicKey, secretOctets: secret?.reveal() };
}

/** Settings that a running gateway cannot take up: the names of those that differ. */
export function needRestart(before: LoadedSettings, after: LoadedSettings): readonly string[] {
  const text = ({ values }: LoadedSettings, name: string): string | undefined => JSON.stringify(values.get(name));
  const differ = KEYS.filter(({ name, restart }) => restart && text(before, name) !== text(after, name)).map(({ name }) => name);
  const withoutFiles = before.settings.tls.certificate !== undefined && after.settings.tls.certificate === undefined;
  return withoutFiles ? [...differ, "tls.certificate"] : differ;
}
