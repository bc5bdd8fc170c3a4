import type { TransportAddress } from "../net/address.ts";

/** What an engine must be told. */
export interface EngineSettings {
  /** The realm of every challenge (RFC 8489 §9.2). */
  readonly realm: string;
  /** false: TURN is off, and every TURN request is answered 403; Binding works. */
  readonly relayEnabled: boolean;
  /** `credentials.on_expiry`. */
  readonly onExpiry: "finish" | "cut";
  /** `credentials.max_allocation_age`, in seconds from the Allocate. */
  readonly maxAllocationAgeSeconds: number;
  /** `limits.peers_per_allocation`: distinct peer addresses over an allocation's life; 0 is no limit. */
  readonly peersPerAllocation: number;
  /** Whether DONT-FRAGMENT can be honoured on this plane; if not it is unknown (420), as RFC 8656 §7.2 asks. */
  readonly dontFragment: boolean;
  /** `relay.mobility`: allocations may follow their client to another address (RFC 8016). */
  readonly mobility: boolean;
  /** `relay.tcp`, where the runtime can do it: TCP allocations (RFC 6062). */
  readonly tcpRelay: boolean;
  /** RFC 5780: our two addresses with two ports each, `[A1:P1, A1:P2, A2:P1, A2:P2]`, or none. */
  readonly behaviorDiscovery: readonly TransportAddress[];
}

/** The software we name in authenticated answers. */
export const SOFTWARE = "icebreaker";
/** LIFETIME if none was asked for, and the least that is granted (RFC 8656 §7.2). */
export const DEFAULT_LIFETIME_SECONDS = 600;
/** The most that is granted at once. */
export const MAX_LIFETIME_SECONDS = 3600;
/** A permission's life (RFC 8656 §9). */
export const PERMISSION_LIFETIME_MS = 300_000;
/** A channel's life (RFC 8656 §12). */
export const CHANNEL_LIFETIME_MS = 600_000;
/** How long a channel's number and peer stay taken after it expired (RFC 8656 §12). */
export const CHANNEL_REUSE_MS = 300_000;
/** How long a judgement about a peer that is sent to holds: a relay of ours may end meanwhile. */
export const JUDGEMENT_MS = 1000;
/** How long the port behind a RESERVATION-TOKEN is kept (RFC 8656 §7.2). */
export const RESERVATION_LIFETIME_MS = 30_000;
/** A nonce's life (RFC 8656 §5 wants one hour at most). */
export const NONCE_LIFETIME_MS = 600_000;
/** Permissions and channels of one allocation at a time, each. */
export const MAX_PERMISSIONS = 64;
export const MAX_CHANNELS = 64;
/** TCP connections of one allocation at a time. */
export const MAX_CONNECTIONS = 64;
/** How long a peer may take to answer a Connect, and a client to bind a connection (RFC 6062 §5.2, §5.3). */
export const CONNECTION_TIMEOUT_MS = 30_000;
/** How long an allocation with a MOBILITY-TICKET waits for its client after its stream broke. */
export const MOBILITY_GRACE_MS = 60_000;
/** What a client may send from its new address before the allocation has come there. */
export const MAX_WAITING_MESSAGES = 64;
