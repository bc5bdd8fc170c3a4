import assert from "node:assert/strict";
import { ForwardTable } from "../../src/forward/table.ts";
import { SharedTraffic } from "../../src/forward/traffic.ts";
import type { RelayId, Route } from "../../src/forward/route.ts";
import type { Random } from "../../src/lib/random.ts";
import { Secret } from "../../src/lib/secret.ts";
import type { Instant } from "../../src/lib/time.ts";
import { addressKey, type FiveTuple, fiveTupleKey, formatAddress, parseAddress } from "../../src/net/address.ts";
import type { TransportAddress } from "../../src/net/address.ts";
import { parseIp } from "../../src/net/ip.ts";
import { SocketAddress } from "../../src/net/socket-address.ts";
import type { PeerPolicy } from "../../src/policy/peers.ts";
import { PortTable, type PortTableShape, type RelayAddress } from "../../src/policy/ports.ts";
import { TurnPressure } from "../../src/policy/pressure.ts";
import { LocalQuota, type QuotaLimits } from "../../src/policy/quota.ts";
import { SharedRelayPorts } from "../../src/relay/relay-ports.ts";
import { channelDataLength, channelOf, writeChannelHeader } from "../../src/stun/channel-data.ts";
import type { Action, StreamAction } from "../../src/turn/action.ts";
import { Engine } from "../../src/turn/engine.ts";
import type { TurnEvent } from "../../src/turn/event.ts";
import type { IcmpError, Input } from "../../src/turn/input.ts";
import type { EngineSettings } from "../../src/turn/settings.ts";
import type { ShardMessage } from "../../src/turn/shard-message.ts";
import { seededRandom } from "./seeded-random.ts";
import { SimulatedClient, type SimulatedClientOptions } from "./simulated-client.ts";
import { type Host, newHost, SETTINGS, START_MONOTONIC_MS } from "./simulated-host.ts";
import { SimulatedPeer } from "./simulated-peer.ts";
import { SimulatedAuthority, SimulatedBudget, SimulatedPeers } from "./simulated-policy.ts";

/** What a world is made of, where it is not the usual. */
export interface SimulationOptions {
  readonly seed?: number;
  readonly settings?: Partial<EngineSettings>;
  readonly quota?: Partial<QuotaLimits>;
  readonly bytesPerSecond?: number;
  /** Relay addresses; usually one of each family. */
  readonly relays?: readonly RelayAddress[];
  /** First and last relayed port. */
  readonly ports?: readonly [number, number];
  /** How many allocations have a place in the counters. */
  readonly slots?: number;
  /** Who may be a peer, where it is not {@link Simulation.peers} that says so. */
  readonly policy?: (relays: PortTable) => PeerPolicy;
  /** Another shard of the same process: clock, ports, quota, peers and secrets are one. */
  readonly beside?: Simulation;
}

/** The wall clock at the beginning of every simulation. */
export const START_UNIX_MS = 1_700_000_000_000;

/** An address of ours that needs no translation. */
export function relayAddress(local: string, shown = local): RelayAddress {
  return { local: parseIp(local), shown: parseIp(shown) };
}

/** An engine in a small world: a clock that moves when told to, clients, peers, and a network without loss between them. */
export class Simulation {
  readonly engine: Engine;
  readonly authority: SimulatedAuthority;
  readonly peers: SimulatedPeers;
  readonly budget = new SimulatedBudget();
  /** None, until a test says how much each turn had to do. */
  readonly pressure = new TurnPressure();
  readonly quota: LocalQuota;
  readonly traffic: SharedTraffic;
  readonly ports: PortTable;
  readonly relays: SharedRelayPorts;
  readonly events: TurnEvent[] = [];
  /** What TCP allocations want done with streams, in its order: a test plays the streams. */
  readonly streams: StreamAction[] = [];
  /** Open routes, by client and channel. */
  readonly routes = new Map<string, Route>();
  /** true: the ledger has no room for another count. */
  ledgerIsFull = false;
  /** false: the system has no more sockets. */
  hasSockets = true;
  settings: EngineSettings;
  /** Told of every datagram that leaves for somebody who is no relay of ours. */
  watch: (to: TransportAddress, bytes: Uint8Array) => void = () => {};
  readonly random: Random;
  readonly #addresses: readonly RelayAddress[];
  readonly #udp: ForwardTable;
  readonly #stream: ForwardTable;
  readonly #host: Host;
  readonly #clients = new Map<string, SimulatedClient>();
  #ids = 0;
  #held: [shard: number, message: ShardMessage][] | undefined;

  constructor(options: SimulationOptions = {}) {
    const { beside } = options;
    const random = beside?.random ?? seededRandom(options.seed ?? 1);
    this.random = random;
    this.#host = beside === undefined ? newHost(new Secret(random.bytes(32))) : beside.#host;
    const shard = this.#host.shards.push(this) - 1;
    this.authority = beside?.authority ?? new SimulatedAuthority();
    this.peers = beside?.peers ?? new SimulatedPeers();
    this.settings = { ...SETTINGS, ...options.settings };
    this.quota = beside?.quota ?? new LocalQuota({ perCredential: 0, perLabel: 0, perProject: 0, ...options.quota });
    const slots = options.slots ?? 256;
    const range = { first: 0, count: slots };
    const traffic = { bytesPerSecond: options.bytesPerSecond ?? 0, selfSettling: true };
    this.traffic = new SharedTraffic(SharedTraffic.memory(slots), range, traffic);
    this.#addresses = options.relays ?? [relayAddress("203.0.113.7"), relayAddress("2001:db8::7")];
    const [firstPort, lastPort] = options.ports ?? [50_000, 51_999];
    const shape: PortTableShape = { addresses: this.#addresses, firstPort, lastPort };
    this.ports = beside?.ports ?? new PortTable(PortTable.memory(shape), shape, random);
    this.relays = this.#relayPorts(shard);
    this.#udp = new ForwardTable({ key: random.bytes(32) });
    this.#stream = new ForwardTable({ key: random.bytes(32), stream: true });
    this.engine = new Engine(this.settings, {
      shard,
      shards: 8,
      authority: this.authority,
      quota: {
        reserve: (claim) => (this.ledgerIsFull ? "full" : this.quota.reserve(claim)),
        release: (claim) => this.quota.release(claim),
        reserveSecond: (first, second) => (this.ledgerIsFull ? "full" : this.quota.reserveSecond(first, second)),
        releaseSecond: (leaves, stays) => this.quota.releaseSecond(leaves, stays),
      },
      peers: options.policy?.(this.ports) ?? this.peers,
      relays: this.relays,
      traffic: this.traffic,
      budget: this.budget,
      pressure: this.pressure,
      random,
      nonceSecret: this.#host.nonceSecret,
    });
  }

  get now(): Instant {
    const { nowMs, unixOffsetMs } = this.#host;
    return { monotonicMs: nowMs, unixMs: START_UNIX_MS + nowMs - START_MONOTONIC_MS + unixOffsetMs };
  }

  /** How far the wall clock was put forward, on all shards. */
  get unixOffsetMs(): number {
    return this.#host.unixOffsetMs;
  }

  set unixOffsetMs(ms: number) {
    this.#host.unixOffsetMs = ms;
  }

  /** Seconds since the beginning. */
  get seconds(): number {
    return (this.#host.nowMs - START_MONOTONIC_MS) / 1000;
  }

  /** Relayed sockets that are open, reservations apart. */
  get openRelays(): number {
    return this.#host.open.size;
  }

  /** A username that lives so many seconds from now. */
  username(ttl = 3600, project = "project_ab12", label?: string): string {
    const expiry = Math.floor(this.now.unixMs / 1000) + ttl;
    return `${expiry}:${project}${label === undefined ? "" : `:${label}`}`;
  }

  client(options: SimulatedClientOptions = {}): SimulatedClient {
    const id = ++this.#ids;
    const transport = options.transport ?? "udp";
    const from: FiveTuple = {
      transport,
      client: parseAddress(options.address ?? `192.0.2.1:${10_000 + id}`),
      server: parseAddress(options.server ?? "192.0.2.100:3478"),
      socket: transport === "udp" ? 0 : id,
      local: 0,
    };
    const client = new SimulatedClient(this, from, options.username ?? this.username());
    this.#clients.set(fiveTupleKey(from), client);
    return client;
  }

  /** The peer at an address; the same for the same address. */
  peer(text: string): SimulatedPeer {
    const address = parseAddress(text);
    const key = addressKey(address);
    const peer = this.#host.peers.get(key) ?? new SimulatedPeer(this, address);
    this.#host.peers.set(key, peer);
    return peer;
  }

  /** Lets time pass, with every deadline at its moment. */
  advance({ seconds = 0, ms = 0 }: { readonly seconds?: number; readonly ms?: number }): void {
    const until = this.#host.nowMs + seconds * 1000 + ms;
    const next = (): number => Math.min(...this.#host.shards.map(({ engine }) => engine.nextDeadline ?? Infinity));
    for (let due = next(); due <= until; due = next()) {
      this.#host.nowMs = Math.max(this.#host.nowMs, due);
      for (const shard of this.#host.shards) shard.handle({ kind: "timeout" });
    }
    this.#host.nowMs = until;
  }

  /** Lets time pass while nobody looks at deadlines: they are all noticed at the end. */
  stall({ seconds }: { readonly seconds: number }): void {
    this.#host.nowMs += seconds * 1000;
    for (const shard of this.#host.shards) shard.handle({ kind: "timeout" });
  }

  /** New settings, on top of those there are. */
  configure(settings: Partial<EngineSettings>): void {
    this.settings = { ...this.settings, ...settings };
    this.handle({ kind: "settings", settings: this.settings });
  }

  /** One step of the engine, and all it wants done. */
  handle(input: Input): readonly Action[] {
    const actions = this.engine.handle(input, this.now);
    for (const action of actions) this.#perform(action);
    return actions;
  }

  /** What a client puts on the wire: STUN to the engine, ChannelData by the table. */
  fromClient(from: FiveTuple, bytes: Uint8Array): void {
    if ((bytes[0] ?? 0) < 0x40) {
      this.handle({ kind: "message", from, bytes });
      return;
    }
    const length = channelDataLength(bytes, 0, bytes.length);
    const table = this.#tableOf(from);
    const route = table.toPeer(from.socket, from.local, new SocketAddress().assign(from.client), channelOf(bytes, 0));
    if (route < 0 && this.engine.expects) this.handle({ kind: "channelData", from, bytes });
    if (length < 0 || route < 0 || !this.traffic.chargeToPeer(table.trafficOf(route), length, this.#host.nowMs)) return;
    const wire = new SocketAddress();
    table.wireInto(route, wire);
    this.#toPeer(table.relayOf(route), wire.toAddress(), bytes.subarray(4, 4 + length), false);
  }

  /** What a peer puts on the wire to one of our addresses. */
  fromPeer(peer: TransportAddress, to: TransportAddress, bytes: Uint8Array): void {
    const key = addressKey(this.relays.wireOf(to));
    const [relay, open] = [...this.#host.open].find(([, { address }]) => addressKey(address) === key) ?? [];
    if (relay !== undefined && open?.isTcp === false) open.shard.#fromPeer(peer, relay, bytes);
  }

  #fromPeer(peer: TransportAddress, relay: RelayId, bytes: Uint8Array): void {
    const source = new SocketAddress().assign(peer);
    for (const table of [this.#udp, this.#stream]) {
      const route = table.toClient(relay, source);
      if (route < 0) continue;
      if (!this.traffic.chargeToClient(table.trafficOf(route), bytes.length, this.#host.nowMs)) return;
      const frame = new Uint8Array(4 + bytes.length);
      writeChannelHeader(frame, 0, table.channelOf(route), bytes.length);
      frame.set(bytes, 4);
      this.#clientOf(table, route)?.deliver(frame);
      return;
    }
    this.handle({ kind: "peerDatagram", relay, peer: this.relays.shownOf(peer), bytes });
  }

  /** An ICMP error for what a relayed address sent to a peer. */
  unreachable(relayed: TransportAddress, peer: string, icmp: IcmpError): readonly Action[] {
    return this.handle({ kind: "peerUnreachable", relay: this.relayAt(relayed), peer: parseAddress(peer), icmp });
  }

  /** The number of a relayed address; -1 if it is none. */
  relayAt(relayed: TransportAddress): RelayId {
    return [...this.#host.open].find(([, { address }]) => addressKey(address) === addressKey(relayed))?.[0] ?? -1;
  }

  /** Events of one type. */
  eventsOf<T extends TurnEvent["type"]>(type: T): Extract<TurnEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<TurnEvent, { type: T }> => event.type === type);
  }

  /** Whether all that allocations take was given back: ports, sockets, routes, quota. */
  assertNothingIsLeft(): void {
    assert.equal(this.engine.allocations, 0, "allocations");
    assert.equal(this.ports.live, 0, "ports");
    assert.equal(this.#host.open.size, 0, "relays");
    assert.equal(this.routes.size, 0, "routes");
    assert.equal(this.#udp.size + this.#stream.size, 0, "routes of the table");
    assert.equal(this.quota.size, 0, "quota");
    assert.equal(this.engine.nextDeadline, undefined, "deadlines");
  }

  /** Keeps what this shard tells others from them until it is released, in its order. */
  holdMessages(): { readonly release: () => void } {
    const held: [shard: number, message: ShardMessage][] = [];
    this.#held = held;
    return {
      release: () => {
        for (let next = held.shift(); next !== undefined; next = held.shift()) this.#deliver(...next);
        this.#held = undefined;
      },
    };
  }

  #tell(shard: number, message: ShardMessage): void {
    const isOwn = this.#host.shards[shard] === this;
    if (this.#held === undefined || isOwn) this.#deliver(shard, message);
    else this.#held.push([shard, message]);
  }

  #deliver(shard: number, message: ShardMessage): void {
    this.#host.shards[shard]?.handle({ kind: "fromShard", message });
  }

  #perform(action: Action): void {
    switch (action.kind) {
      case "send":
        this.#clients.get(fiveTupleKey(action.to))?.deliver(action.bytes, action.source);
        break;
      case "sendToPeer":
        this.#toPeer(action.relay, action.wire, action.bytes, action.dontFragment);
        break;
      case "closeRelay":
        this.relays.close(action.relay, this.#host.nowMs);
        break;
      case "openRoute":
        this.routes.set(routeKey(action.route), action.route);
        this.#tableOf(action.route.client).openRoute(action.route);
        break;
      case "closeRoute":
        assert.ok(this.routes.delete(routeKey(action.route)), "a route that closes was open");
        this.#tableOf(action.route.client).closeRoute(action.route);
        break;
      case "closeClient":
        this.#clients.get(fiveTupleKey(action.client))?.close();
        break;
      case "connectPeer":
      case "giveUpPeer":
      case "closePeer":
      case "holdClient":
      case "releaseClient":
      case "splice":
      case "closeSplice":
        this.streams.push(action);
        break;
      case "toShard":
        this.#tell(action.shard, structuredClone(action.message));
        break;
      case "report":
        this.events.push(action.event);
        break;
    }
  }

  /** A datagram to a peer, which may be a relay of ours. */
  #toPeer(relay: RelayId, wire: TransportAddress, bytes: Uint8Array, dontFragment: boolean): void {
    const source = this.#host.open.get(relay)?.address;
    assert.ok(source, "a relay that sends is open");
    const isOurs = [...this.#host.open.values()].some(({ address }) => addressKey(address) === addressKey(wire));
    if (isOurs) {
      this.fromPeer(source, wire, bytes.slice());
      return;
    }
    this.watch(wire, bytes);
    this.peer(formatAddress(wire)).deliver(source, bytes, dontFragment);
  }

  #clientOf(table: ForwardTable, route: number): SimulatedClient | undefined {
    const address = new SocketAddress();
    table.clientInto(route, address);
    const socket = table.socketOf(route);
    const isIt = ({ from }: SimulatedClient): boolean =>
      from.socket === socket && addressKey(from.client) === addressKey(address.toAddress());
    return [...this.#clients.values()].find(isIt);
  }

  #tableOf({ transport }: FiveTuple): ForwardTable {
    return transport === "udp" ? this.#udp : this.#stream;
  }

  #relayPorts(shard: number): SharedRelayPorts {
    const { open } = this.#host;
    const openRelay = (address: TransportAddress, isTcp: boolean): RelayId => {
      open.set(++this.#host.relayIds, { address, shard: this, isTcp });
      return this.#host.relayIds;
    };
    const closeRelay = (relay: RelayId): void => void open.delete(relay);
    return new SharedRelayPorts({
      table: this.ports,
      addresses: this.#addresses,
      sockets: { open: () => (this.hasSockets ? 1 : "exhausted"), close: () => {} },
      peers: {
        openRelay: (_descriptor, address) => openRelay(address, false),
        closeRelay,
        releasesRelays: true,
        releaseRelay: (relay) => (this.hasSockets && open.delete(relay) ? 1 : undefined),
        sendToPeer: () => {},
      },
      tcp: { openRelay: (_descriptor, address) => openRelay(address, true), closeRelay },
      random: this.random,
      shard,
    });
  }
}

function routeKey({ client, channel }: Route): string {
  return `${fiveTupleKey(client)} ${channel}`;
}
