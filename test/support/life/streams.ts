import assert from "node:assert/strict";
import { type FiveTuple, fiveTupleKey, type TransportAddress } from "../../../src/net/address.ts";
import type { StreamAction } from "../../../src/turn/action.ts";
import type { Simulation } from "../simulation.ts";
import type { ModelConnection } from "./model-allocation.ts";

/** Unlike any other number of a life. */
const FIRST_DESCRIPTOR = 1_000_000;
/** How many Connects are remembered that were given up. */
const LATE = 4;

/** A Connect that is under way, or was. */
export interface Attempt {
  readonly shard: number;
  readonly connection: number;
  /** false once it was given up: whoever answers now finds nobody. */
  isWanted: boolean;
  /** What the model knows it as. */
  means: ModelConnection | undefined;
}

/** A client's stream and a peer's that were made one. */
interface Splice {
  readonly at: string;
  readonly carrier: number;
  readonly shard: number;
  readonly connection: number;
  readonly descriptor: number;
  toPeer: number;
  toClient: number;
}

/** Who is told of what happens to streams. */
export interface StreamsTold {
  /** A relayed port is to be connected to this address. */
  readonly connects: (wire: TransportAddress) => void;
  /** A client's stream has ended, for its splice has; by {@link atOf}. */
  readonly gone: (at: string) => void;
}

type Splicing = Extract<StreamAction, { readonly kind: "splice" }>;

/** What TCP allocations want done with streams, done: descriptors are numbers, and each is closed exactly once. */
export class Streams {
  readonly attempts: Attempt[] = [];
  /** What has passed over each data connection that has ended. */
  readonly ended: { readonly octetsToPeer: number; readonly octetsToClient: number }[] = [];
  readonly #shards: readonly Simulation[];
  readonly #told: StreamsTold;
  readonly #open = new Set<number>();
  readonly #splices = new Map<string, Splice>();
  readonly #held = new Set<string>();
  #descriptors = FIRST_DESCRIPTOR;

  constructor(shards: readonly Simulation[], told: StreamsTold) {
    this.#shards = shards;
    this.#told = told;
  }

  /** How many connections to peers are open. */
  get open(): number {
    return this.#open.size;
  }

  /** Whether there are data connections at all. */
  get carries(): boolean {
    return this.#splices.size > 0;
  }

  /** A connection to or from a peer, as the system hands it over. */
  descriptor(): number {
    this.#open.add(++this.#descriptors);
    return this.#descriptors;
  }

  /** Whether a stream is a data connection, by {@link atOf}. */
  isSpliced(at: string): boolean {
    return this.#splices.has(at);
  }

  /** Does all that is wanted, and what comes of it. */
  settle(): void {
    for (let busy = true; busy; ) {
      busy = false;
      for (const [shard, world] of this.#shards.entries()) {
        for (const action of world.streams.splice(0)) {
          busy = true;
          this.#perform(shard, action);
        }
      }
    }
    assert.equal(this.#held.size, 0, "streams that are read no more, and no data connections");
  }

  /** A peer answers an attempt or refuses it. */
  answer(attempt: Attempt, accepts: boolean): void {
    const { shard, connection } = attempt;
    this.#forget(attempt);
    const input = accepts
      ? ({ kind: "peerConnected", connection, descriptor: this.descriptor() } as const)
      : ({ kind: "peerFailed", connection } as const);
    this.#shards[shard]?.handle(input);
  }

  /** Octets pass over a splice. */
  pass(at: string, toPeer: number, toClient: number): boolean {
    const splice = this.#splices.get(at);
    if (splice === undefined) return false;
    splice.toPeer += toPeer;
    splice.toClient += toClient;
    return true;
  }

  /** A splice ends by itself. @returns which connection it was, and what has passed over it */
  hangUp(at: string): { readonly connection: number; readonly toPeer: number; readonly toClient: number } | undefined {
    const splice = this.#splices.get(at);
    if (splice !== undefined) this.#end(splice);
    return splice;
  }

  #perform(shard: number, action: StreamAction): void {
    switch (action.kind) {
      case "connectPeer":
        this.#told.connects(action.wire);
        this.attempts.push({ shard, connection: action.connection, isWanted: true, means: undefined });
        break;
      case "giveUpPeer":
        this.#giveUp(shard, action.connection);
        break;
      case "closePeer":
        this.#close(action.descriptor);
        break;
      case "holdClient":
        this.#held.add(atOf(shard, action.client));
        break;
      case "releaseClient":
        assert.ok(this.#held.delete(atOf(shard, action.client)), "a stream that is released was held");
        break;
      case "splice":
        this.#splice(shard, action);
        break;
      case "closeSplice":
        for (const splice of [...this.#splices.values()]) {
          if (splice.shard === action.shard && splice.connection === action.connection) this.#end(splice);
        }
        break;
    }
  }

  #splice(carrier: number, { client, shard, connection, descriptor }: Splicing): void {
    const at = atOf(carrier, client);
    assert.ok(this.#held.delete(at), "nothing more was read from a stream that becomes a data connection");
    assert.ok(this.#open.has(descriptor), "the peer's connection is open");
    this.#splices.set(at, { at, carrier, shard, connection, descriptor, toPeer: 0, toClient: 0 });
  }

  #end(splice: Splice): void {
    const { at, carrier, shard, connection, toPeer, toClient } = splice;
    this.#splices.delete(at);
    this.#close(splice.descriptor);
    this.ended.push({ octetsToPeer: toPeer, octetsToClient: toClient });
    this.#told.gone(at);
    this.#shards[carrier]?.handle({ kind: "spliceEnded", shard, connection, toPeer, toClient });
  }

  #giveUp(shard: number, connection: number): void {
    const attempt = this.attempts.find((one) => one.shard === shard && one.connection === connection && one.isWanted);
    assert.ok(attempt, "what is given up was under way");
    attempt.isWanted = false;
    const [oldest, ...others] = this.attempts.filter(({ isWanted }) => !isWanted);
    if (oldest !== undefined && others.length >= LATE) this.#forget(oldest);
  }

  #forget(attempt: Attempt): void {
    this.attempts.splice(this.attempts.indexOf(attempt), 1);
  }

  #close(descriptor: number): void {
    assert.ok(this.#open.delete(descriptor), "a descriptor that is closed was open");
  }
}

/** A five-tuple of a shard: the number of a stream is its thread's own. */
export function atOf(shard: number, client: FiveTuple): string {
  return `${shard} ${fiveTupleKey(client)}`;
}
