import { clientAt, FIRST_PORT, relayedPortOf, relayPeer, whoseIs } from "./cast.ts";
import { ModelAllocation, type ModelConnection, type ModelPeer } from "./model-allocation.ts";
import { speak } from "./model-moves.ts";
import {
  type AllocateWish,
  type Arrival,
  type Asked,
  type Asker,
  type Grant,
  type ModelEnd,
  type Notice,
  partsOf,
} from "./model-values.ts";
import type { Kind, Limits } from "./step.ts";

const DEFAULT_SECONDS = 600; // RFC 8656 §7.2, and the least that is granted
const MAX_SECONDS = 3600; // RFC 8656 §7.2
const RESERVATION_SECONDS = 30; // RFC 8656 §7.2
const JUDGEMENT_SECONDS = 1;

type Owner = ModelAllocation | "reserved";

/**
 * A TURN server in maps: RFC 8656's allocations, permissions, channels and reservations, and what the product adds to
 * them: quotas, places in the counters, the two ways of expiry, and limits on peers and bandwidth.
 */
export class Model {
  now = 0;
  /** Wall clock less `now`. */
  unixOffset: number;
  draining = false;
  limits: Limits;
  readonly revoked = new Set<string>();
  readonly deletedProjects = new Set<string>();
  readonly allocations = new Map<number, ModelAllocation>();
  readonly ended: ModelEnd[] = [];
  readonly notices: Notice[] = [];
  /** When relays were last looked for. */
  #lookedAt = 0;
  readonly #ports: Record<4 | 6, Map<number, Owner>> = { 4: new Map(), 6: new Map() };
  readonly #reservations = new Map<string, { readonly port: number; readonly until: number }>();

  constructor(limits: Limits, unixAtStart: number) {
    this.limits = limits;
    this.unixOffset = unixAtStart;
  }

  get portsInUse(): number {
    return this.#ports[4].size + this.#ports[6].size;
  }

  /** How many allocations a shard has. */
  allocationsOn(shard: number): number {
    let count = 0;
    for (const tuple of this.allocations.keys()) if (clientAt(tuple).shard === shard) count++;
    return count;
  }

  /** Why a request goes no further than its credentials, if it does. Whatever comes uses the five-tuple, but for a ticket. */
  refusal({ tuple, username }: Asker, asked: Asked): 401 | 403 | "silence" | undefined {
    if (typeof asked === "string") speak(this, tuple);
    if ((asked === "connect" || asked === "connectionBind") && !this.limits.tcpRelay) return "silence";
    const allocation = this.allocations.get(tuple);
    if (!this.limits.relayEnabled && allocation === undefined) return 403;
    if (this.revoked.has(username) || this.deletedProjects.has(partsOf(username).project)) return 401;
    if (!this.hasExpired(username)) return undefined;
    if (typeof asked === "object") return asked.ticket?.allocation.outlivesCredential === true ? undefined : 401;
    if (asked === "connectionBind") return undefined; // whose the connection is decides
    const outlives = asked !== "allocate" && allocation?.outlivesCredential === true && allocation.username === username;
    return outlives ? undefined : 401;
  }

  hasExpired(username: string): boolean {
    return this.now + this.unixOffset >= partsOf(username).expiry;
  }

  /** The allocation that a request is about, or why there is none for it. */
  allocationOf({ tuple, username }: Asker): ModelAllocation | 437 | 441 {
    const allocation = this.allocations.get(tuple);
    if (allocation === undefined) return 437;
    return allocation.username === username ? allocation : 441;
  }

  /** What an Allocate comes to; nothing is changed before {@link begin}. */
  allocate(asker: Asker, wish: AllocateWish): Grant {
    const refuse = (outcome: number): Grant => ({ outcome, families: [], seconds: 0 });
    const existing = this.allocations.get(asker.tuple);
    if (existing !== undefined) {
      const isSame = existing.username === asker.username && existing.transaction === wish.transaction;
      if (!isSame) return refuse(437);
      const [first] = existing.relays.values();
      return { outcome: "ok", existing, families: [...existing.relays.keys()], seconds: (first?.until ?? 0) - this.now };
    }
    const { transport, shard } = clientAt(asker.tuple);
    if (wish.kind === "tcp" && !this.limits.tcpRelay) return refuse(442);
    if (wish.kind === "tcp" && transport === "udp") return refuse(400);
    if (wish.kind === "whole" && !this.limits.dontFragment) return refuse(420);
    if (wish.mobile && (wish.kind === "tcp" || !this.limits.mobility)) return refuse(405);
    if (this.draining) return refuse(508);
    if (this.#isOverQuota(asker)) return refuse(486);
    if (this.allocationsOn(shard) >= this.limits.slots) return refuse(508);
    const seconds = this.#grant(wish.lifetime, this.#endOf(asker.username));
    if (wish.kind === "token") {
      const port = this.#reservations.get(wish.token ?? "")?.port;
      return port === undefined ? refuse(508) : { outcome: "ok", families: [4], seconds, port };
    }
    if (wish.kind !== "dual") {
      const family = wish.kind === "ipv6" ? 6 : 4;
      return this.#hasPort(family, wish.kind) ? { outcome: "ok", families: [family], seconds } : refuse(508);
    }
    const families = ([4, 6] as const).filter((family) => this.#hasPort(family, "plain"));
    const missing = ([4, 6] as const).find((family) => !families.includes(family));
    if (families.length === 0) return refuse(508);
    return { outcome: "ok", families, seconds, ...(missing !== undefined && { missing: { family: missing, code: 508 } }) };
  }

  /** Makes the allocation that was granted, with the ports that the server chose. @throws {Error} for a port that is taken */
  begin(asker: Asker, wish: AllocateWish, grant: Grant, ports: readonly number[], token: string | undefined): ModelAllocation {
    const allocation = new ModelAllocation(
      {
        ...asker,
        startedAt: this.now,
        endsAt: this.#endOf(asker.username),
        outlivesCredential: this.limits.onExpiry === "finish",
        transaction: wish.transaction,
        token,
        missing: grant.missing,
        isTcp: wish.kind === "tcp",
        isMobile: wish.mobile,
      },
      this.limits.bytesPerSecond,
    );
    if (wish.kind === "token") this.#dropReservation(wish.token ?? "");
    for (const [i, family] of grant.families.entries()) {
      const port = ports[i] ?? 0;
      this.#take(family, port, allocation);
      allocation.relays.set(family, { port, until: this.now + grant.seconds });
    }
    if (token !== undefined) {
      this.#take(4, (ports[0] ?? 0) + 1, "reserved");
      this.#reservations.set(token, { port: (ports[0] ?? 0) + 1, until: this.now + RESERVATION_SECONDS });
    }
    this.allocations.set(asker.tuple, allocation);
    return allocation;
  }

  /** @returns the code, or the seconds of LIFETIME */
  refresh(asker: Asker, lifetime: number | undefined, family: 4 | 6 | undefined): { outcome: "ok" | number; seconds: number } {
    const allocation = this.allocationOf(asker);
    return typeof allocation === "number" ? { outcome: allocation, seconds: 0 } : this.renew(allocation, lifetime, family);
  }

  /** What a Refresh does to the allocation that it is about. */
  renew(
    allocation: ModelAllocation,
    lifetime: number | undefined,
    family: 4 | 6 | undefined,
  ): { outcome: "ok" | number; seconds: number } {
    const chosen = [...allocation.relays.keys()].filter((each) => family === undefined || each === family);
    if (chosen.length === 0) return { outcome: 443, seconds: 0 };
    const seconds = lifetime === 0 ? 0 : this.#grant(lifetime, allocation.endsAt);
    for (const each of chosen) {
      const relay = allocation.relays.get(each);
      if (lifetime === 0) this.endRelay(allocation, each, "closed by client");
      else if (relay !== undefined) relay.until = this.now + seconds;
    }
    return { outcome: "ok", seconds };
  }

  permit(asker: Asker, peers: readonly ModelPeer[]): "ok" | number {
    const allocation = this.allocationOf(asker);
    if (typeof allocation === "number") return allocation;
    if (peers.length === 0) return 400;
    if (peers.some(({ family }) => !allocation.relays.has(family))) return 443;
    if (peers.some(({ mayPermit }) => !mayPermit)) return 403;
    return allocation.permit(peers, this.now, this.limits.peersPerAllocation);
  }

  bind(asker: Asker, number: number, peer: ModelPeer): "ok" | number {
    const allocation = this.allocationOf(asker);
    if (typeof allocation === "number") return allocation;
    if (allocation.isTcp || number < 0x4000) return 400;
    if (!allocation.relays.has(peer.family)) return 443;
    if (!allocation.mayBind(number, peer)) return 400;
    if (!this.hasRoomFor(allocation, peer)) return 508;
    if (!peer.maySend) return 403;
    const permitted = allocation.permit([peer], this.now, this.limits.peersPerAllocation);
    if (permitted !== "ok") return permitted;
    allocation.peers.set(peer.key, { allowed: true, at: this.now });
    const port = relayedPortOf(peer);
    allocation.bind(number, peer, this.now, port !== undefined && this.isLive(peer.family, port));
    return "ok";
  }

  /** Where the data of a Send indication arrives. */
  send(tuple: number, peer: ModelPeer, octets: number, whole: boolean): readonly Arrival[] {
    speak(this, tuple);
    const allocation = this.allocations.get(tuple);
    if (allocation === undefined || allocation.isTcp || (whole && !this.limits.dontFragment)) return [];
    if (!allocation.relays.has(peer.family) || !allocation.permits(peer.ipKey)) return [];
    let known = allocation.peers.get(peer.key);
    if (known === undefined || this.now - known.at >= JUDGEMENT_SECONDS) {
      if (!this.hasRoomFor(allocation, peer)) return [];
      known = { allowed: peer.maySend, at: this.now };
      allocation.peers.set(peer.key, known);
    }
    return known.allowed ? this.#toPeer(allocation, peer, octets) : [];
  }

  /** Where ChannelData arrives. A channel needs no permission on the way out (RFC 8656 §12.6). */
  sendOver(tuple: number, number: number, octets: number): readonly Arrival[] {
    if (number < 0x4000) return []; // it looks like a message, and is none
    speak(this, tuple);
    const allocation = this.allocations.get(tuple);
    const peer = allocation?.peerOver(number);
    return allocation === undefined || peer === undefined ? [] : this.#toPeer(allocation, peer, octets);
  }

  /** Where a datagram to one of our relayed addresses arrives. */
  arrive(from: Pick<ModelPeer, "text" | "key" | "ipKey">, family: 4 | 6, port: number, octets: number): readonly Arrival[] {
    const owner = this.#ports[family].get(port);
    if (owner === undefined || owner === "reserved" || owner.isTcp || !owner.permits(from.ipKey)) return [];
    if (!owner.charge("client", octets, this.now) || owner.abandoned) return [];
    const channel = owner.channelTo(from.key);
    const who = whoseIs(owner.tuple);
    return [channel === undefined ? { who, peer: from.text } : { who, channel }];
  }

  isLive(family: 4 | 6, port: number): boolean {
    return this.ownerOf(family, port) !== undefined;
  }

  /** Whose a relayed port is. */
  ownerOf(family: 4 | 6, port: number): ModelAllocation | undefined {
    const owner = this.#ports[family].get(port);
    return owner instanceof ModelAllocation ? owner : undefined;
  }

  /** Whose a connection to a peer is. */
  ownerOfConnection(connection: ModelConnection): ModelAllocation | undefined {
    for (const each of this.allocations.values()) if (each.connections.get(connection.peer.key) === connection) return each;
    return undefined;
  }

  /** Ends all that is over by now. */
  expire(exactly: boolean): void {
    if (this.now > this.#lookedAt) this.#endInside(exactly);
    for (const allocation of [...this.allocations.values()]) {
      this.#expireConnections(allocation);
      for (const [family, { until }] of [...allocation.relays]) {
        if (until <= this.now) this.endRelay(allocation, family, allocation.abandoned ? "client disconnected" : "expired");
      }
      allocation.expire(this.now, exactly);
    }
    for (const [token, { until }] of [...this.#reservations]) if (until <= this.now) this.#dropReservation(token);
  }

  /** Channels that lead to relays of ours end with them: that is looked for every second. */
  #endInside(exactly: boolean): void {
    const next = this.#lookedAt + JUDGEMENT_SECONDS;
    this.#lookedAt = this.now;
    const endedBy = (peer: ModelPeer, shard: number): number | undefined => {
      const owner = this.#ports[peer.family].get(relayedPortOf(peer) ?? 0);
      if (!(owner instanceof ModelAllocation)) return exactly ? next : this.now;
      // What ends in the second of a look is found by the next one, and what ends late with it likewise.
      // But a shard that looks at deadlines later sees at once what others have ended.
      const isSeen = clientAt(owner.tuple).shard < shard;
      const found = (owner.relays.get(peer.family)?.until ?? this.now) + (isSeen ? 0 : JUDGEMENT_SECONDS);
      if (exactly) return found <= this.now ? Math.max(found, next) : undefined;
      return isSeen && found <= this.now ? this.now : undefined;
    };
    for (const allocation of this.allocations.values()) {
      const { shard } = clientAt(allocation.tuple);
      allocation.endInside((peer) => endedBy(peer, shard));
    }
  }

  /** Ends allocations of ours, and nothing else. */
  end(reason: string, isMeant: (allocation: ModelAllocation) => boolean): void {
    for (const allocation of [...this.allocations.values()].filter(isMeant)) {
      for (const family of [...allocation.relays.keys()]) this.endRelay(allocation, family, reason);
    }
  }

  /** Ends one relayed address, and with the last of them the allocation. */
  endRelay(allocation: ModelAllocation, family: 4 | 6, reason: string): void {
    const { port } = allocation.relays.get(family) ?? {};
    if (port !== undefined) this.#ports[family].delete(port);
    allocation.endFamily(family);
    if (allocation.relays.size > 0) return;
    this.allocations.delete(allocation.tuple);
    allocation.connections.clear();
    this.ended.push({ totals: allocation.totals, reason });
  }

  shutdown(): void {
    this.draining = true;
    for (const token of [...this.#reservations.keys()]) this.#dropReservation(token);
    this.end("shutdown", () => true);
  }

  #toPeer(allocation: ModelAllocation, peer: ModelPeer, octets: number): readonly Arrival[] {
    if (!allocation.charge("peer", octets, this.now)) return [];
    const relay = allocation.relays.get(peer.family);
    const target = relayedPortOf(peer);
    if (relay === undefined) return [];
    if (target === undefined || !this.isLive(peer.family, target)) return [{ at: peer.text }];
    return this.arrive(relayPeer(peer.family, relay.port, true), peer.family, target, octets);
  }

  /** Whether one more peer may be bound, sent or connected to. */
  hasRoomFor({ peers }: ModelAllocation, { key }: ModelPeer): boolean {
    const limit = this.limits.peersPerAllocation;
    return limit === 0 || peers.size < limit || peers.has(key);
  }

  #hasPort(family: 4 | 6, kind: Kind): boolean {
    const taken = this.#ports[family];
    for (let port = FIRST_PORT; port < FIRST_PORT + this.limits.ports; port++) {
      const isRight = (kind !== "even" && kind !== "pair") || port % 2 === 0;
      const isFree = !taken.has(port) && (kind !== "pair" || !taken.has(port + 1));
      if (isRight && isFree) return true;
    }
    return false;
  }

  #take(family: 4 | 6, port: number, owner: Owner): void {
    const isInRange = port >= FIRST_PORT && port < FIRST_PORT + this.limits.ports;
    if (!isInRange || this.#ports[family].has(port)) throw new Error(`Port ${port} of IPv${family} was given, and is not free`);
    this.#ports[family].set(port, owner);
  }

  #dropReservation(token: string): void {
    const { port } = this.#reservations.get(token) ?? {};
    this.#reservations.delete(token);
    if (port !== undefined) this.#ports[4].delete(port);
  }

  /** Whether a credential or its label has its share of allocations at an IP address. */
  isOverQuotaAt({ username, clientIp }: Pick<Asker, "username" | "clientIp">): boolean {
    const { perCredential, perLabel } = this.limits.quota;
    const { project, label } = partsOf(username);
    const here = [...this.allocations.values()].filter((each) => each.countsAt(clientIp));
    const ofLabel = here.map((each) => partsOf(each.username)).filter((one) => one.project === project && one.label === label);
    return (
      isReached(perCredential, here.filter((each) => each.username === username).length) ||
      (label !== undefined && isReached(perLabel, ofLabel.length))
    );
  }

  #isOverQuota({ username, clientIp }: Asker): boolean {
    const { perProject } = this.limits.quota;
    const { project } = partsOf(username);
    const ofProject = [...this.allocations.values()].filter((each) => partsOf(each.username).project === project);
    return isReached(perProject, ofProject.length) || this.isOverQuotaAt({ username, clientIp });
  }

  /** When an allocation that begins now ends at the latest. */
  #endOf(username: string): number {
    const cut = this.limits.onExpiry === "cut" ? partsOf(username).expiry - this.unixOffset : Infinity;
    return Math.min(this.now + this.limits.maxAllocationAgeSeconds, cut);
  }

  #grant(lifetime: number | undefined, endsAt: number): number {
    const seconds = Math.min(MAX_SECONDS, Math.max(DEFAULT_SECONDS, lifetime ?? DEFAULT_SECONDS));
    return Math.min(seconds, endsAt - this.now);
  }

  /** Thirty seconds for a peer to answer, and thirty for the client to bind (RFC 6062 §5.2, §5.3). */
  #expireConnections({ tuple, connections, relays }: ModelAllocation): void {
    const endsAt = Math.max(...[...relays.values()].map(({ until }) => until));
    for (const [key, connection] of connections) {
      const { stage, transaction = "", until } = connection;
      if (stage === "bound" || until > this.now || until > endsAt) continue;
      connections.delete(key);
      // What ends in the same moment may end in either order.
      if (stage === "connecting") this.notices.push({ tuple, transaction, outcome: 447, connection, maybe: until === endsAt });
    }
  }
}

function isReached(limit: number, count: number): boolean {
  return limit > 0 && count >= limit;
}
