const PERMISSION_SECONDS = 300; // RFC 8656 §9
const CHANNEL_SECONDS = 600; // RFC 8656 §12
const CHANNEL_REST_SECONDS = 300; // RFC 8656 §12: before a number or a peer is bound to another
const BURST_SECONDS = 0.03; // docs/configuration.md, limits.bandwidth_per_allocation

/** A peer of the moment: its address, and what may be done with it. */
export interface ModelPeer {
  readonly text: string;
  readonly key: string;
  readonly ipKey: string;
  readonly family: 4 | 6;
  /** Whether its IP address may be permitted, and whether data may go to the whole. */
  readonly mayPermit: boolean;
  readonly maySend: boolean;
}

/** What an allocation has carried, as its end is told. */
export interface ModelTotals {
  octetsToPeer: number;
  octetsToClient: number;
  packetsToPeer: number;
  packetsToClient: number;
  dropped: number;
}

/** A five-tuple that an allocation may move to (RFC 8016), once its client speaks from there. */
export interface ModelMove {
  readonly tuple: number;
  readonly clientIp: string;
  /** Of the last Refresh with a ticket that came from there. */
  readonly transaction: string;
  /** It was a stream, and has closed since. */
  isGone: boolean;
}

/** A TCP connection between a relayed address and a peer (RFC 6062). */
export interface ModelConnection {
  readonly peer: Pick<ModelPeer, "key" | "text">;
  /** Of the Connect; none where the peer has connected. */
  readonly transaction?: string;
  /** CONNECTION-ID, once the client was told. */
  id?: number;
  stage: "connecting" | "waiting" | "bound";
  /** Of the first two stages. */
  until: number;
}

interface ModelChannel {
  readonly peer: ModelPeer;
  /** Whether the peer was a relay of ours when it was bound: then it goes with it. */
  readonly inside: boolean;
  until: number;
  /** Set once it has expired: number and peer are held back until then. */
  restsUntil: number | undefined;
}

/** What RFC 8656 lets a client have: maps of moments in whole seconds. What is alive until a moment is not alive at it. */
export class ModelAllocation {
  /** The five-tuple of its client. */
  tuple: number;
  readonly username: string;
  clientIp: string;
  readonly startedAt: number;
  readonly endsAt: number;
  readonly outlivesCredential: boolean;
  readonly transaction: string;
  readonly token: string | undefined;
  readonly missing: { readonly family: 4 | 6; readonly code: number } | undefined;
  /** Whether it has TCP connections instead of datagrams. */
  readonly isTcp: boolean;
  /** Whether its client has a ticket. */
  readonly isMobile: boolean;
  /** Tickets of this generation count, and while it may move the next one too. */
  generation = 0;
  move: ModelMove | undefined;
  /** The transaction that it has moved by: its retransmissions are answered. */
  movedBy: string | undefined;
  /** Its stream has closed, and its client may still come back with a ticket. */
  abandoned = false;
  readonly connections = new Map<string, ModelConnection>();
  /** Port and end, by family, IPv4 first. */
  readonly relays = new Map<4 | 6, { readonly port: number; until: number }>();
  readonly permissions = new Map<string, number>();
  readonly channels = new Map<number, ModelChannel>();
  readonly peerIps = new Set<string>();
  readonly peers = new Map<string, { readonly allowed: boolean; readonly at: number }>();
  readonly totals: ModelTotals = { octetsToPeer: 0, octetsToClient: 0, packetsToPeer: 0, packetsToClient: 0, dropped: 0 };
  readonly #bytesPerSecond: number;
  /** Tokens and when they were counted, towards the peer and towards the client. */
  readonly #buckets: [[number, number], [number, number]];

  constructor(
    facts: Pick<
      ModelAllocation,
      | "tuple"
      | "username"
      | "clientIp"
      | "startedAt"
      | "endsAt"
      | "outlivesCredential"
      | "transaction"
      | "token"
      | "missing"
      | "isTcp"
      | "isMobile"
    >,
    bytesPerSecond: number,
  ) {
    this.tuple = facts.tuple;
    this.username = facts.username;
    this.clientIp = facts.clientIp;
    this.startedAt = facts.startedAt;
    this.endsAt = facts.endsAt;
    this.outlivesCredential = facts.outlivesCredential;
    this.transaction = facts.transaction;
    this.token = facts.token;
    this.missing = facts.missing;
    this.isTcp = facts.isTcp;
    this.isMobile = facts.isMobile;
    this.#bytesPerSecond = bytesPerSecond;
    const burst = BURST_SECONDS * bytesPerSecond;
    this.#buckets = [
      [burst, 0],
      [burst, 0],
    ];
  }

  /** It has come to where its client has spoken from; a burst is not to be had again by moving. */
  moveTo({ tuple, clientIp, transaction }: ModelMove, now: number): void {
    this.movedBy = transaction;
    this.tuple = tuple;
    this.clientIp = clientIp;
    this.generation++;
    this.move = undefined;
    this.abandoned = false;
    for (const bucket of this.#buckets) bucket.splice(0, 2, 0, now);
  }

  /** Whether it counts for an IP address: that of its client, and that where the client may turn up. */
  countsAt(clientIp: string): boolean {
    return this.clientIp === clientIp || this.move?.clientIp === clientIp;
  }

  permits(ipKey: string): boolean {
    return this.permissions.has(ipKey);
  }

  permit(peers: readonly ModelPeer[], now: number, limit: number): "ok" | 508 {
    const fresh = new Set(peers.map(({ ipKey }) => ipKey).filter((key) => !this.permissions.has(key)));
    const strangers = [...fresh].filter((key) => !this.peerIps.has(key)).length;
    if (limit > 0 && strangers > 0 && this.peerIps.size + strangers > limit) return 508;
    for (const { ipKey } of peers) {
      if (limit > 0 && fresh.has(ipKey)) this.peerIps.add(ipKey);
      this.permissions.set(ipKey, now + PERMISSION_SECONDS);
    }
    return "ok";
  }

  /** Whether a number and a peer may be bound to each other: both to nothing, or both to each other. */
  mayBind(number: number, { key }: ModelPeer): boolean {
    for (const [other, { peer }] of this.channels) if ((other === number) !== (peer.key === key)) return false;
    return true;
  }

  /** @param isRelay whether the peer is a live relay of ours */
  bind(number: number, peer: ModelPeer, now: number, isRelay: boolean): void {
    const before = this.channels.get(number);
    const inside = before !== undefined && before.restsUntil === undefined ? before.inside : isRelay;
    this.channels.set(number, { peer, inside, until: now + CHANNEL_SECONDS, restsUntil: undefined });
  }

  /** The channel that data to or from a peer goes over. */
  channelTo(key: string): number | undefined {
    for (const [number, { peer, restsUntil }] of this.channels) if (peer.key === key && restsUntil === undefined) return number;
    return undefined;
  }

  peerOver(number: number): ModelPeer | undefined {
    const channel = this.channels.get(number);
    return channel?.restsUntil === undefined ? channel?.peer : undefined;
  }

  get boundChannels(): number {
    let count = 0;
    for (const { restsUntil } of this.channels.values()) if (restsUntil === undefined) count++;
    return count;
  }

  /** Counts a datagram, or that the bandwidth limit drops it. */
  charge(direction: "peer" | "client", octets: number, now: number): boolean {
    const { totals } = this;
    if (!this.#passes(direction === "peer" ? 0 : 1, octets, now)) {
      totals.dropped++;
      return false;
    }
    if (direction === "peer") {
      totals.octetsToPeer += octets;
      totals.packetsToPeer++;
    } else {
      totals.octetsToClient += octets;
      totals.packetsToClient++;
    }
    return true;
  }

  /** Ends channels into relays of ours that have ended by a moment. */
  endInside(endedBy: (peer: ModelPeer) => number | undefined): void {
    for (const channel of this.channels.values()) {
      if (!channel.inside || channel.restsUntil !== undefined) continue;
      const at = endedBy(channel.peer);
      if (at !== undefined) channel.restsUntil = Math.min(channel.until, at) + CHANNEL_REST_SECONDS;
    }
  }

  /** Ends what is over; a stalled engine notices all at once, and holds channels back from then. */
  expire(now: number, exactly: boolean): void {
    for (const [key, until] of this.permissions) if (until <= now) this.permissions.delete(key);
    for (const [number, channel] of this.channels) {
      if (channel.restsUntil === undefined && channel.until <= now) {
        channel.restsUntil = (exactly ? channel.until : now) + CHANNEL_REST_SECONDS;
      }
      if (channel.restsUntil !== undefined && channel.restsUntil <= now) this.channels.delete(number);
    }
  }

  /** A relayed address goes, with all of its family. */
  endFamily(family: 4 | 6): void {
    this.relays.delete(family);
    const isOfFamily = (ipKey: string): boolean => (ipKey.length === 4) === (family === 4);
    for (const key of this.permissions.keys()) if (isOfFamily(key)) this.permissions.delete(key);
    for (const [number, { peer }] of this.channels) if (peer.family === family) this.channels.delete(number);
  }

  /** When something will end: the moments at which mistakes show. */
  moments(): number[] {
    return [
      ...[...this.relays.values()].map(({ until }) => until),
      ...this.permissions.values(),
      ...[...this.channels.values()].map(({ until, restsUntil }) => restsUntil ?? until),
      ...[...this.connections.values()].flatMap(({ stage, until }) => (stage === "bound" ? [] : [until])),
    ].sort((a, b) => a - b);
  }

  #passes(direction: 0 | 1, octets: number, now: number): boolean {
    if (this.#bytesPerSecond === 0) return true;
    const bucket = this.#buckets[direction];
    const burst = BURST_SECONDS * this.#bytesPerSecond;
    bucket[0] = Math.min(burst, bucket[0] + (now - bucket[1]) * this.#bytesPerSecond);
    bucket[1] = now;
    if (bucket[0] <= 0) return false;
    bucket[0] -= octets;
    return true;
  }
}
