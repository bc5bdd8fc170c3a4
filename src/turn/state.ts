import type { RelayId } from "../forward/route.ts";
import type { TrafficTotals } from "../forward/traffic.ts";
import { Deadlines } from "../lib/deadlines.ts";
import type { Instant } from "../lib/time.ts";
import type { AlternateServer } from "./alternate.ts";
import type { Allocation, Permission, RelayedAddress } from "./allocation.ts";
import type { Channel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import type { EngineDependencies } from "./dependencies.ts";
import { InsideChannels, type Look } from "./inside.ts";
import { KeyCache } from "./key-cache.ts";
import { Nonces } from "./nonce.ts";
import type { AuthenticatedRequest } from "./request.ts";
import type { Reservation } from "./reservation.ts";
import type { ExpectedMove } from "./expected-move.ts";
import type { EngineSettings } from "./settings.ts";
import { Tickets } from "./tickets.ts";
import { TransactionIds } from "./transaction-ids.ts";

/** Whatever ends at a moment known beforehand. */
export type Expiring = RelayedAddress | Permission | Channel | Reservation | Connection | Look;

/** Everything an engine remembers, and whom it asks. */
export class TurnState {
  settings: EngineSettings;
  draining = false;
  /** Where clients are sent while we drain. */
  alternates: readonly AlternateServer[] = [];
  readonly dependencies: EngineDependencies;
  readonly nonces: Nonces;
  readonly keys = new KeyCache();
  readonly transactionIds: TransactionIds;
  readonly deadlines = new Deadlines<Expiring>();
  readonly reservations = new Set<Reservation>();
  readonly tickets: Tickets;
  readonly inside = new InsideChannels();
  /** TCP connections of this shard's allocations, by CONNECTION-ID. */
  readonly connections = new Map<number, Connection>();
  /** Allocations that may move, by what their tickets name. */
  readonly mobile = new Map<string, Allocation>();
  /** Clients of this shard whose allocation will come here when they use it, by five-tuple: at most one for each that may move. */
  readonly expected = new Map<string, ExpectedMove>();
  readonly #byTuple = new Map<string, Allocation>();
  readonly #byRelay = new Map<RelayId, Allocation>();
  readonly #byUsername = new Map<string, Set<Allocation>>();
  #ids = 0;

  constructor(settings: EngineSettings, dependencies: EngineDependencies) {
    this.settings = settings;
    this.dependencies = dependencies;
    this.nonces = new Nonces(dependencies.nonceSecret);
    this.tickets = new Tickets(dependencies.nonceSecret, dependencies.random);
    this.transactionIds = new TransactionIds(dependencies.random);
  }

  /** The allocation of a five-tuple, by its key. */
  at(tuple: string): Allocation | undefined {
    return this.#byTuple.get(tuple);
  }

  /** The allocation that a request is about, or the error code if there is none (437) or it is another username's (441). */
  allocationOf({ tuple, username }: AuthenticatedRequest): Allocation | 437 | 441 {
    const allocation = this.#byTuple.get(tuple);
    if (allocation === undefined) return 437;
    return allocation.facts.username === username ? allocation : 441;
  }

  byRelay(relay: RelayId): Allocation | undefined {
    return this.#byRelay.get(relay);
  }

  /** The live allocations of a username; a copy, for they may end meanwhile. */
  ofUsername(username: string): readonly Allocation[] {
    return [...(this.#byUsername.get(username) ?? [])];
  }

  /** The live allocations of a project; a copy. */
  ofProject(project: string): readonly Allocation[] {
    return [...this.allocations].filter(({ facts }) => facts.project === project);
  }

  get allocations(): IterableIterator<Allocation> {
    return this.#byTuple.values();
  }

  get allocationCount(): number {
    return this.#byTuple.size;
  }

  /** The next allocation's id. */
  nextId(): number {
    return ++this.#ids;
  }

  /** @param untilMs when its relayed addresses expire, in their order; the last counts for those behind it */
  add(allocation: Allocation, ...untilMs: readonly number[]): void {
    this.#byTuple.set(allocation.tuple, allocation);
    const { username } = allocation.facts;
    const own = this.#byUsername.get(username);
    if (own === undefined) this.#byUsername.set(username, new Set([allocation]));
    else own.add(allocation);
    if (allocation.mobility !== undefined) this.mobile.set(allocation.mobility.id, allocation);
    for (const [i, relayed] of allocation.relayed.entries()) {
      this.#byRelay.set(relayed.relay.id, allocation);
      this.deadlines.set(relayed, untilMs[i] ?? untilMs.at(-1) ?? 0);
    }
  }

  /** Forgets a relayed address. */
  removeRelayed(relayed: RelayedAddress): void {
    this.#byRelay.delete(relayed.relay.id);
    this.deadlines.delete(relayed);
  }

  /** Forgets an allocation that has no relayed address any more. */
  remove(allocation: Allocation): void {
    this.#byTuple.delete(allocation.tuple);
    const { username } = allocation.facts;
    const own = this.#byUsername.get(username);
    own?.delete(allocation);
    if (own?.size === 0) this.#byUsername.delete(username);
    if (allocation.mobility !== undefined) this.mobile.delete(allocation.mobility.id);
  }

  /** All that an allocation has carried, here and elsewhere. */
  carriedBy({ traffic, carried }: Allocation): TrafficTotals {
    const here = this.dependencies.traffic.totals(traffic);
    return {
      octetsToPeer: carried.octetsToPeer + here.octetsToPeer,
      octetsToClient: carried.octetsToClient + here.octetsToClient,
      packetsToPeer: carried.packetsToPeer + here.packetsToPeer,
      packetsToClient: carried.packetsToClient + here.packetsToClient,
      dropped: carried.dropped + here.dropped,
    };
  }

  /** When a relayed address expires, as whole seconds from now, rounded up: what LIFETIME shows. */
  secondsLeft(relayed: RelayedAddress, now: Instant): number {
    return Math.max(0, Math.ceil(((this.deadlines.of(relayed) ?? now.monotonicMs) - now.monotonicMs) / 1000));
  }
}
