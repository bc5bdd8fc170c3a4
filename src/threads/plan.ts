import type { MessagePort } from "node:worker_threads";
import type { Endpoints } from "../credentials/endpoints.ts";
import type { BellPlan } from "../dataplane/batch/bell.ts";
import type { Neighbour } from "../edge/passthrough.ts";
import type { HttpSettings, JwtSettings } from "../http/services.ts";
import type { TransportAddress } from "../net/address.ts";
import type { Cidr } from "../net/cidr.ts";
import type { IpAddress } from "../net/ip.ts";
import type { QuotaLimits } from "../policy/quota.ts";
import type { RelayAddress } from "../policy/ports.ts";
import type { EngineSettings } from "../turn/settings.ts";

/** A listening socket that main has opened. */
export interface Listener {
  readonly descriptor: number;
  readonly address: TransportAddress;
}

/** The peer policy as a value. */
export interface PeerSettings {
  readonly allow: readonly Cidr[];
  readonly deny: readonly Cidr[];
  readonly only: readonly Cidr[];
  readonly minPort: number;
  /** Every local and external address of the host, and the database's. */
  readonly own: readonly IpAddress[];
}

/** What can change while threads run. */
export interface ShardSettings {
  readonly engine: EngineSettings;
  readonly peers: PeerSettings;
  readonly quota: QuotaLimits;
  /** Octets per second of an allocation, each direction; 0 is no limit. */
  readonly bytesPerSecond: number;
  readonly unauthenticatedRepliesPerSecond: number;
  /** Events of `debug` are worth a message to main. */
  readonly debug: boolean;
}

/** Memory that all threads share: see ARCHITECTURE on the ledger and the port table. */
export interface SharedMemory {
  readonly ports: SharedArrayBuffer;
  readonly ledger: SharedArrayBuffer;
  readonly replies: SharedArrayBuffer;
  readonly mints: SharedArrayBuffer;
  readonly traffic: SharedArrayBuffer;
}

/** All that a shard needs to begin, as a value that crosses threads. */
export interface ShardPlan {
  /** Its number among the shards of all threads. */
  readonly shard: number;
  readonly shards: number;
  /** The main thread's `performance.timeOrigin`. */
  readonly processOrigin: number;
  readonly region: string;
  readonly settings: ShardSettings;
  readonly memory: SharedMemory;
  /** This thread's own counters. */
  readonly counters: SharedArrayBuffer;
  /** This thread's slots in the traffic memory. */
  readonly trafficSlots: { readonly first: number; readonly count: number };
  readonly relay: { readonly addresses: readonly RelayAddress[]; readonly firstPort: number; readonly lastPort: number };
  /** 32 octets each, the same for all threads. */
  readonly nonceSecret: Uint8Array;
  readonly hashKey: Uint8Array;
  /** Where main's messages come from, and ours go to. */
  readonly mailbox: MessagePort;
}

/** The plan of a thread that relays for UDP clients. */
export interface RelayThreadPlan extends ShardPlan {
  readonly listeners: readonly Listener[];
}

/** What the API of a thread must know, as a value that crosses threads. */
export interface ApiSettings {
  readonly http: Omit<HttpSettings, "jwt">;
  /** The secret as octets: a `Secret` does not cross threads. */
  readonly jwt?: (Omit<JwtSettings, "secret"> & { readonly secretOctets?: Uint8Array | undefined }) | undefined;
  readonly mintsPerKeyPerMinute: number;
  /** This gateway among the others. */
  readonly own: { readonly id: string; readonly region: string; readonly endpoints: Endpoints };
  /** CIDRs whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly Cidr[];
  readonly version: string;
}

/** What an edge thread must know beyond its shard. */
export interface EdgeSettings {
  readonly api: ApiSettings;
  /** CIDRs whose connections begin with a PROXY header. */
  readonly proxyProtocol: readonly Cidr[];
  /** Where the TLS of a name goes that is not ours. */
  readonly passthrough: ReadonlyMap<string, Neighbour>;
}

/** The plan of a thread for streams and HTTPS. */
export interface EdgeThreadPlan extends ShardPlan {
  readonly edge: EdgeSettings;
  readonly tcp: readonly Listener[];
  readonly tls: readonly Listener[];
  /** What tells of datagrams, and its number among those who listen; absent where the runtime cannot wait for it. */
  readonly bell?: { readonly plan: BellPlan; readonly number: number };
  /** In PEM; absent where `listen.tls` is empty. */
  readonly certificate?: { readonly certificate: string; readonly key: string };
}
