import { randomBytes } from "node:crypto";
import { ProjectAuthority } from "../credentials/authority.ts";
import { type Libc, SystemError } from "../dataplane/libc.ts";
import type { ClientSide, Packet, PeerSide, PlaneHandler } from "../dataplane/plane.ts";
import { close, openRelaySocket, openTcpListener } from "../dataplane/socket.ts";
import { decodeChange, Directory } from "../directory/directory.ts";
import type { RelayId } from "../forward/route.ts";
import { ForwardTable } from "../forward/table.ts";
import { SharedTraffic } from "../forward/traffic.ts";
import { assert } from "../lib/assert.ts";
import { type Random, StockedRandom } from "../lib/random.ts";
import { Secret } from "../lib/secret.ts";
import type { FiveTuple, TransportAddress } from "../net/address.ts";
import type { SocketAddress } from "../net/socket-address.ts";
import { Counters } from "../observe/counters.ts";
import { type Line, narrate } from "../observe/narrate.ts";
import { SharedLedger } from "../policy/ledger.ts";
import { TurnPressure } from "../policy/pressure.ts";
import { PeerRules } from "../policy/peers.ts";
import { PortTable } from "../policy/ports.ts";
import { SharedReplyBudget } from "../policy/rate.ts";
import { type RelaySockets, SharedRelayPorts, type TcpPorts } from "../relay/relay-ports.ts";
import { Shard } from "../relay/shard.ts";
import { StunResponder } from "../relay/stun-responder.ts";
import type { StreamAction } from "../turn/action.ts";
import { Engine } from "../turn/engine.ts";
import type { TurnEvent } from "../turn/event.ts";
import type { EngineSettings } from "../turn/settings.ts";
import { type ThreadClock, threadClock } from "./clock.ts";
import type { Doings } from "./housekeeping.ts";
import type { PeerSettings, ShardPlan, ShardSettings } from "./plan.ts";

/** What differs between a shard of datagram clients and one of stream clients. */
export interface ShardSides {
  readonly clients: ClientSide;
  readonly peers: PeerSide;
  readonly streams: boolean;
  /** `false` where the peer side cannot be told to set DF: DONT-FRAGMENT is refused then. */
  readonly setsDontFragment?: boolean;
  readonly closeClient: (client: FiveTuple) => void;
  /** The number of the listener on an address, where there are datagram listeners. */
  readonly listenerAt?: (address: TransportAddress) => number | undefined;
  /** What TCP allocations need, where clients are streams and the runtime can do it. */
  readonly tcp?: { readonly ports: TcpPorts; readonly perform: (action: StreamAction) => void } | undefined;
  /** Told of every event, after it is counted. */
  readonly witness: (event: TurnEvent) => void;
}

/** Connections of peers that wait to be accepted. */
const RELAY_BACKLOG = 64;

/** A shard with what it needs, made from a plan; and the ways in which main changes it. */
export class ThreadShard {
  readonly shard: Shard;
  readonly directory = new Directory();
  readonly clock: ThreadClock;
  readonly counters: Counters;
  /** Lines for main's log, until someone takes them. */
  lines: Line[] = [];
  readonly #setsDontFragment: boolean;
  readonly #relaysTcp: boolean;
  #settings: ShardSettings;
  readonly #ports: PortTable;
  readonly #ledger: SharedLedger;
  readonly #budget: SharedReplyBudget;
  readonly #traffic: SharedTraffic;
  #peers: PeerRules;
  readonly #doings = { thoughts: 0, ended: 0, live: 0, accepted: 0, open: 0 };

  #beginsAnew = false;

  constructor(plan: ShardPlan, libc: Libc, sides: ShardSides) {
    const { settings, memory, relay, hashKey } = plan;
    const random = new StockedRandom(randomBytes);
    this.#setsDontFragment = sides.setsDontFragment ?? true;
    // Over UDP there is none, and a request for one is told so.
    this.#relaysTcp = !sides.streams || sides.tcp !== undefined;
    this.#settings = settings;
    this.clock = threadClock(plan.processOrigin);
    this.counters = new Counters(plan.counters);
    this.#ports = new PortTable(memory.ports, relay, random);
    this.#ledger = new SharedLedger(memory.ledger, settings.quota, hashKey);
    this.#budget = new SharedReplyBudget(memory.replies, settings.unauthenticatedRepliesPerSecond, hashKey);
    this.#traffic = new SharedTraffic(memory.traffic, plan.trafficSlots, {
      bytesPerSecond: settings.bytesPerSecond,
      selfSettling: true,
    });
    this.#peers = this.#peerRules(settings.peers);

    const ports = new SharedRelayPorts({
      table: this.#ports,
      addresses: relay.addresses,
      sockets: relaySockets(libc),
      peers: sides.peers,
      random,
      shard: plan.shard,
      tcp: sides.tcp?.ports,
    });
    const pressure = new TurnPressure();
    const engine = this.#engine(plan, sides, { relays: ports, pressure, random });
    const plainStun = !sides.streams && settings.engine.behaviorDiscovery.length === 0;
    this.shard = new Shard({
      engine,
      table: new ForwardTable({ key: hashKey, stream: sides.streams }),
      traffic: this.#traffic,
      ports,
      clients: sides.clients,
      peers: sides.peers,
      counters: this.counters,
      clock: this.clock,
      monotonicMs: this.clock.monotonicMs,
      pressure,
      responder: plainStun ? { stun: new StunResponder(), budget: this.#budget } : undefined,
      report: (event) => this.#report(event, sides.witness),
      streams: sides.tcp?.perform ?? (() => {}),
      listenerAt: sides.listenerAt ?? (() => undefined),
      toShard: (shard, message) => {
        if (shard === plan.shard) this.shard.handle({ kind: "fromShard", message });
        else plan.mailbox.postMessage({ kind: "toShard", shard, message });
      },
      closeClient: sides.closeClient,
    });
  }

  #engine(
    plan: ShardPlan,
    sides: ShardSides,
    made: { relays: SharedRelayPorts; pressure: TurnPressure; random: Random },
  ): Engine {
    const { relays, pressure, random } = made;
    return new Engine(this.#engineSettings(plan.settings), {
      shard: plan.shard,
      shards: plan.shards,
      authority: new ProjectAuthority(this.directory, plan.region),
      quota: this.#ledger,
      peers: { judgeIp: (ip) => this.#peers.judgeIp(ip), judge: (peer) => this.#peers.judge(peer) },
      relays,
      traffic: this.#traffic,
      budget: this.#budget,
      // Over a stream nobody asks twice: silence would be the end. There the edge's own limits count.
      ...(sides.streams ? {} : { pressure }),
      random,
      nonceSecret: new Secret(plan.nonceSecret),
    });
  }

  /** A change of the directory: what it ends, ends now. */
  change(text: string): void {
    const change = decodeChange(text);
    this.directory.apply(change);
    for (const project of change.deletedProjects) this.shard.handle({ kind: "projectEnded", project });
    for (const { username } of change.revocations) this.shard.handle({ kind: "ended", username });
    // What a change from the beginning no longer names is known to be gone when its last page is here.
    if (change.fromBeginning) this.#beginsAnew = true;
    if (!this.#beginsAnew || change.more) return;
    this.#beginsAnew = false;
    this.shard.handle({ kind: "judge" });
  }

  /** What a client calls a peer: the external address, where it is a live relay of ours. */
  shownOf(wire: TransportAddress): TransportAddress {
    return this.#ports.toShown(wire);
  }

  /** New settings; live allocations keep what they were given. */
  reconfigure(settings: ShardSettings): void {
    this.#settings = settings;
    this.#peers = this.#peerRules(settings.peers);
    this.#ledger.limits = settings.quota;
    this.#budget.perSecond = settings.unauthenticatedRepliesPerSecond;
    this.#traffic.bytesPerSecond = settings.bytesPerSecond;
    this.shard.handle({ kind: "settings", settings: this.#engineSettings(settings) });
  }

  #engineSettings({ engine }: ShardSettings): EngineSettings {
    const tcpRelay = engine.tcpRelay && this.#relaysTcp;
    return { ...engine, tcpRelay, dontFragment: engine.dontFragment && this.#setsDontFragment };
  }

  /** `limits.bandwidth_per_allocation`. */
  get bytesPerSecond(): number {
    return this.#settings.bytesPerSecond;
  }

  /**
   * What housekeeping goes by; the same object each time.
   *
   * @param accepted streams so far, and how many of them are open
   */
  doings(accepted = 0, open = 0): Doings {
    this.#doings.thoughts = this.shard.thoughts;
    this.#doings.accepted = accepted;
    this.#doings.open = open;
    return this.#doings;
  }

  /** Whether lines of `debug` are wanted. */
  get debug(): boolean {
    return this.#settings.debug;
  }

  /** Takes the lines that wait. */
  takeLines(): readonly Line[] {
    const { lines } = this;
    if (lines.length > 0) this.lines = [];
    return lines;
  }

  #peerRules({ allow, deny, only, minPort, own }: PeerSettings): PeerRules {
    return new PeerRules({ allow, deny, only, minPort, own, relays: this.#ports });
  }

  #report(event: TurnEvent, witness: (event: TurnEvent) => void): void {
    witness(event);
    if (event.type === "allocated" || event.type === "movedHere") this.#doings.live++;
    else if (event.type === "allocationEnded" || event.type === "movedAway") {
      this.#doings.live--;
      this.#doings.ended++;
    }
    const line = event.type === "allocationEnded" || this.#settings.debug ? narrate(event) : undefined;
    if (line !== undefined) this.lines.push(line);
  }
}

/** A handler that is made after the plane that calls it: the two need each other. */
export class LateHandler implements PlaneHandler {
  #target: PlaneHandler | undefined;

  /** From here on everything goes to `target`. */
  attach(target: PlaneHandler): void {
    this.#target = target;
  }

  fromClient(packet: Packet): void {
    this.#attached.fromClient(packet);
  }

  fromPeer(packet: Packet): void {
    this.#attached.fromPeer(packet);
  }

  peerUnreachable(relay: RelayId, peer: SocketAddress, type: number, code: number, data: number): void {
    this.#attached.peerUnreachable(relay, peer, type, code, data);
  }

  turnEnds(): void {
    this.#attached.turnEnds();
  }

  get #attached(): PlaneHandler {
    assert(this.#target !== undefined, "a plane begins after its handler is attached");
    return this.#target;
  }
}

/** Relayed sockets of the system; what is no refusal of a port is a lack of something. */
function relaySockets(libc: Libc): RelaySockets {
  return {
    open(address, tcp) {
      try {
        return tcp ? openTcpListener(libc, address, { backlog: RELAY_BACKLOG }) : openRelaySocket(libc, address);
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        return error.code === "EADDRINUSE" || error.code === "EACCES" ? "taken" : "exhausted";
      }
    },
    close: (descriptor) => close(libc, descriptor),
  };
}
