import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Transport } from "../../src/net/address.ts";
import { Message } from "../../src/stun/message.ts";
import { bring, tryAllocateMobile } from "../support/mover.ts";
import type { SimulatedClient } from "../support/simulated-client.ts";
import { Simulation } from "../support/simulation.ts";

const LIVES = 400;
const STEPS = 250;
const SHARDS = 3;
const CLIENTS = 9;
const PEER = "198.51.100.1:9";
const CHANNEL = 0x4000;
const TRANSPORTS: readonly Transport[] = ["udp", "udp", "tls"];
const LONG_ENOUGH_SECONDS = 5000;
const TICKETS = 12;

/** Shards whose messages to one another take their time, and clients that come and go with each other's tickets. */
class Flight {
  readonly worlds: readonly Simulation[];
  readonly #clients: { client: SimulatedClient; readonly world: Simulation; readonly make: () => SimulatedClient }[] = [];
  readonly #held: { release: () => void }[];
  readonly #tickets: Uint8Array[] = [];
  readonly #usernames: string[];
  #left = 0;

  constructor(seed: number) {
    const first = new Simulation({ seed, slots: 4, quota: { perCredential: 3 }, ports: [50_000, 50_011] });
    this.worlds = [first, ...Array.from({ length: SHARDS - 1 }, () => new Simulation({ slots: 4, beside: first }))];
    this.#usernames = [first.username(9000), first.username(9000, "project_cd34")];
    for (const world of this.worlds) world.watch = () => void this.#left++;
    for (let i = 0; i < CLIENTS; i++) {
      const world = this.worlds[i % SHARDS] ?? first;
      const transport = TRANSPORTS[Math.floor(i / SHARDS)] ?? "udp";
      const make = (): SimulatedClient => world.client({ transport, address: `192.0.2.${1 + (i % 4)}:${2000 + i}` });
      this.#clients.push({ client: make(), world, make });
    }
    this.#held = this.worlds.map((world) => world.holdMessages());
  }

  /** Something happens, or some messages arrive. */
  step(): void {
    const [first] = this.worlds;
    const below = (limit: number): number => first?.random.below(limit) ?? 0;
    if (below(3) === 0) return this.#deliver(below(SHARDS));
    const one = this.#clients[below(CLIENTS)];
    if (one === undefined) return;
    const { client } = one;
    client.username = this.#usernames[below(8) === 0 ? 1 : 0] ?? "";
    const ticket = this.#tickets[below(this.#tickets.length)];
    const dice = below(100);
    if (dice < 15) this.#keep(tryAllocateMobile(client).message);
    else if (dice < 20) client.tryAllocate();
    else if (dice < 55 && ticket !== undefined) this.#keep(bring(client, ticket).message);
    else if (dice < 62) client.createPermission(PEER);
    else if (dice < 70) client.channelBind(CHANNEL, PEER);
    else if (dice < 78) client.sendOver(CHANNEL, "data");
    else if (dice < 84) client.sendTo(PEER, "data");
    else if (dice < 88) client.refresh(below(2) === 0 ? {} : { lifetime: 0 });
    else if (dice < 94) this.#leave(one);
    else if (dice < 96) this.#revoke(below(2));
    else first?.advance({ seconds: below(dice < 99 ? 20 : 400) });
    this.#collect();
  }

  /** Everything arrives and expires; what was carried has been told, and nothing is left. */
  end(): void {
    for (let i = 0; i < SHARDS; i++) this.#held[i]?.release();
    for (const { engine, authority } of this.worlds) {
      for (const { facts } of engine.describe()) assert.ok(!authority.revoked.has(facts.username), "what was revoked has ended");
    }
    this.worlds[0]?.advance({ seconds: LONG_ENOUGH_SECONDS });
    const events = this.worlds.flatMap((world) => world.events);
    const counted = (type: string): number => events.filter((event) => event.type === type).length;
    assert.equal(counted("allocationEnded"), counted("allocated"), "each allocation has one end");
    assert.equal(counted("movedAway"), counted("movedHere"), "what has left has come");
    const sent = events.reduce((sum, event) => sum + (event.type === "allocationEnded" ? event.traffic.packetsToPeer : 0), 0);
    assert.equal(sent, this.#left, "datagrams that have left are counted");
    for (const world of this.worlds) {
      world.assertNothingIsLeft();
      assert.equal(world.engine.expects, false, "nobody is expected");
    }
  }

  get moved(): number {
    return this.worlds.reduce((sum, world) => sum + world.eventsOf("movedHere").length, 0);
  }

  #deliver(shard: number): void {
    const world = this.worlds[shard];
    this.#held[shard]?.release();
    if (world !== undefined) this.#held[shard] = world.holdMessages();
    this.#collect();
  }

  #leave(one: { client: SimulatedClient; readonly make: () => SimulatedClient }): void {
    if (one.client.from.transport === "udp") return;
    one.client.disconnect();
    one.client = one.make();
  }

  #revoke(index: number): void {
    const username = this.#usernames[index] ?? "";
    this.worlds[0]?.authority.revoked.add(username);
    for (const world of this.worlds) world.handle({ kind: "ended", username });
    this.#usernames[index] = this.worlds[0]?.username(9000 + this.#left, `project_ef${index}`) ?? "";
  }

  /** Tickets come whenever their answers do. */
  #collect(): void {
    for (const { client } of this.#clients) {
      for (const { bytes } of client.inbox.splice(0)) this.#keep(Message.decode(bytes));
    }
  }

  #keep(message: Message | undefined): void {
    if (message?.mobilityTicket !== undefined) this.#tickets.push(message.mobilityTicket.slice());
    if (this.#tickets.length > TICKETS) this.#tickets.shift();
  }
}

describe("moves whose messages take their time", () => {
  test("whatever comes between, each allocation ends once, all it carried is told, and nothing is left", () => {
    let moved = 0;
    for (let seed = 1; seed <= LIVES; seed++) {
      const flight = new Flight(seed);
      try {
        for (let i = 0; i < STEPS; i++) flight.step();
        flight.end();
      } catch (error) {
        throw new Error(`Seed ${seed}: ${String(error)}`, { cause: error });
      }
      moved += flight.moved;
    }
    assert.ok(moved > LIVES, `allocations move: ${moved}`);
  });
});
