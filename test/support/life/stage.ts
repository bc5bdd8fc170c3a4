import assert from "node:assert/strict";
import { toHex } from "../../../src/lib/bytes.ts";
import { formatAddress, type TransportAddress } from "../../../src/net/address.ts";
import { METHOD } from "../../../src/stun/header.ts";
import { Message } from "../../../src/stun/message.ts";
import { PeerRules } from "../../../src/policy/peers.ts";
import type { Input } from "../../../src/turn/input.ts";
import type { Outcome, Reply, SimulatedClient } from "../simulated-client.ts";
import { Simulation, type SimulationOptions, START_UNIX_MS } from "../simulation.ts";
import {
  clientAt,
  CLIENTS,
  FIRST_PORT,
  FIXED_PEERS,
  mustNotBeReached,
  RELAYS,
  relayedPortOf,
  relayPeer,
  SHARDS,
  USERNAMES,
} from "./cast.ts";
import { Model } from "./model.ts";
import type { ModelConnection, ModelPeer } from "./model-allocation.ts";
import { connectionEnds } from "./model-connections.ts";
import { countOf } from "./model-count.ts";
import { disconnect } from "./model-moves.ts";
import type { Arrival, Asked, Asker, ModelTicket, Notice } from "./model-values.ts";
import type { Limits, Reload } from "./step.ts";
import { atOf, Streams } from "./streams.ts";

/** A client of the life, and what its last request must come to if it is sent again. */
export interface Actor {
  client: SimulatedClient;
  /** Its five-tuple, for the model. */
  tuple: number;
  last: { readonly asked: Asked; readonly redo: (reply: Reply) => Outcome } | undefined;
  /** What it was given to come back with, the newest first. */
  readonly tickets: HeldTicket[];
  /** The connections that it was told of, the newest first. */
  readonly told: ModelConnection[];
}

/** A ticket as its client keeps it. */
export interface HeldTicket {
  readonly bytes: Uint8Array;
  readonly means: ModelTicket;
  readonly relayed: readonly TransportAddress[];
}

/** Older tickets and ids are forgotten. */
const REMEMBERED = 4;

/** The world of a life and the model of it, side by side, and whoever acts in them. */
export class Stage {
  /** The shards of the process: the first stands for what they have in common. */
  readonly worlds: readonly Simulation[];
  readonly world: Simulation;
  readonly streams: Streams;
  readonly model: Model;
  /** The last token that anybody was given. */
  token: Uint8Array | undefined;
  readonly #actors: Actor[] = [];
  readonly #usernames: string[] = [];
  readonly #outside: { readonly at: string; readonly text: string }[] = [];
  #generation = 0;
  #texts = 0;

  constructor(limits: Limits) {
    const { seed, ports, slots, quota, bytesPerSecond, ...settings } = limits;
    const own = RELAYS.map(({ shown }) => shown);
    const options: SimulationOptions = {
      ...{ seed, settings, slots, quota, bytesPerSecond, relays: RELAYS, ports: [FIRST_PORT, FIRST_PORT + ports - 1] },
      policy: (relays) => new PeerRules({ allow: [], deny: [], only: [], minPort: 1, own, relays }),
    };
    this.world = new Simulation(options);
    const others = Array.from({ length: SHARDS - 1 }, () => new Simulation({ ...options, beside: this.world }));
    this.worlds = [this.world, ...others];
    for (const world of this.worlds) world.watch = (to, bytes) => this.#leaves(to, bytes);
    this.streams = new Streams(this.worlds, { connects: mayBeReached, gone: (at) => this.#streamEnds(at) });
    this.model = new Model(limits, START_UNIX_MS / 1000);
    for (const slot of USERNAMES.keys()) this.#renew(slot);
    for (const who of CLIENTS.keys()) {
      const client = this.#newClient(who, this.#usernames[who % USERNAMES.length] ?? "");
      this.#actors.push({ client, tuple: who, last: undefined, tickets: [], told: [] });
    }
  }

  actor(who: number): Actor {
    const actor = this.#actors[who];
    assert.ok(actor, "there is such a client");
    return actor;
  }

  asker(who: number): Asker {
    const { client, tuple } = this.actor(who);
    return { tuple, username: client.username, clientIp: toHex(client.from.client.ip.octets) };
  }

  /** The peer of a number: one that stays, or the relayed address that a client has or had; `undefined` if it never had one. */
  peer(number: number): ModelPeer | undefined {
    const fixed = FIXED_PEERS[number];
    if (fixed !== undefined) return fixed;
    const index = number - FIXED_PEERS.length;
    const family = index % 2 === 0 ? 4 : 6;
    const address = this.actor(index >> 1).client.relayedAddresses.find(({ ip }) => ip.family === family);
    return address && relayPeer(family, address.port, this.model.isLive(family, address.port));
  }

  /** A peer as it is at this moment: relayed addresses come and go. */
  asItIs(peer: ModelPeer): ModelPeer {
    const port = relayedPortOf(peer);
    if (port === undefined || FIXED_PEERS.includes(peer)) return peer;
    return relayPeer(peer.family, port, this.model.isLive(peer.family, port));
  }

  /** Octets that nobody has sent before, unless there are none. */
  text(octets: number): string {
    return octets === 0 ? "" : `${++this.#texts} `.padEnd(octets, ".");
  }

  /** What has arrived since it was last asked, and where; each must be this text. */
  arrived(text: string): Arrival[] {
    const arrivals: Arrival[] = [];
    for (const [who, { client }] of this.#actors.entries()) {
      if (client.inbox.length === 0) continue;
      for (const one of client.received()) {
        assert.equal(one.text, text);
        arrivals.push(one.channel === undefined ? { who, peer: one.peer ?? "" } : { who, channel: one.channel });
      }
    }
    for (const one of this.#outside.splice(0)) {
      assert.equal(one.text, text);
      arrivals.push({ at: one.at });
    }
    return arrivals;
  }

  /** Time passes: with every deadline at its moment, or with all of them noticed late. */
  pass(seconds: number, exactly: boolean): void {
    if (exactly) this.world.advance({ seconds });
    else this.world.stall({ seconds });
    this.model.now += seconds;
    this.model.expire(exactly);
  }

  setClock(seconds: number): void {
    this.world.unixOffsetMs += seconds * 1000;
    this.model.unixOffset += seconds;
  }

  /** Another credential on the same five-tuple; a new one of the kind where the last has expired. */
  switchTo(who: number, slot: number): void {
    const expiry = Number(this.#usernames[slot]?.split(":")[0]);
    if (expiry <= this.model.now + this.model.unixOffset) this.#renew(slot);
    this.actor(who).client.username = this.#usernames[slot] ?? "";
  }

  /** A stream goes, and the same person comes again over another one; over UDP nobody can tell. */
  leave(who: number): void {
    const { client, tuple } = this.actor(who);
    if (client.from.transport === "udp" || this.hangUp(who)) return;
    client.disconnect();
    disconnect(this.model, tuple);
    this.#comeAgain(who);
  }

  /** Whether a client's stream has become a data connection: what it says now is its peer's. */
  isSpliced(who: number): boolean {
    return this.streams.carries && this.streams.isSpliced(this.#at(who));
  }

  /** Octets pass over a client's data connection, if it is one. */
  carry(who: number, toPeer: number, toClient: number): boolean {
    return this.streams.pass(this.#at(who), toPeer, toClient);
  }

  /** A data connection ends, by itself. */
  hangUp(who: number): boolean {
    const ended = this.streams.hangUp(this.#at(who));
    if (ended !== undefined) connectionEnds(this.model, ended.connection, ended);
    return ended !== undefined;
  }

  /** A client keeps a ticket of an answer, if it is to have one. */
  keepTicket(actor: Actor, message: Message | undefined, means: ModelTicket | undefined): void {
    assert.equal(message?.mobilityTicket !== undefined, means !== undefined, "a ticket for whoever is to have one");
    if (message?.mobilityTicket === undefined || means === undefined) return;
    actor.tickets.unshift({ bytes: message.mobilityTicket.slice(), means, relayed: actor.client.relayedAddresses });
    actor.tickets.splice(REMEMBERED);
  }

  revoke(slot: number): void {
    const username = this.#usernames[slot] ?? "";
    this.world.authority.revoked.add(username);
    this.#all({ kind: "ended", username });
    this.model.revoked.add(username);
    this.model.end("revoked", (allocation) => allocation.username === username);
    this.#renew(slot);
  }

  delete(slot: number): void {
    const projectOf = (username: string): string => username.split(":")[1] ?? "";
    const project = projectOf(this.#usernames[slot] ?? "");
    this.world.authority.deleted.add(project);
    this.#all({ kind: "projectEnded", project });
    this.model.deletedProjects.add(project);
    this.model.end("project deleted", ({ username }) => projectOf(username) === project);
    for (const [each, username] of this.#usernames.entries()) if (projectOf(username) === project) this.#renew(each);
  }

  reload(settings: Reload, quota: Limits["quota"]): void {
    for (const world of this.worlds) world.configure(settings);
    this.world.quota.limits = quota;
    this.model.limits = { ...this.model.limits, ...settings, quota };
  }

  drain(): void {
    this.#all({ kind: "drain" });
    this.model.draining = true;
  }

  shutdown(): void {
    this.#all({ kind: "shutdown" });
    this.model.shutdown();
  }

  /** What streams have to do is done, whose stream was closed comes again over another one, and what is told is right. */
  settle(): void {
    this.streams.settle();
    for (const [who, { client, tuple }] of this.#actors.entries()) {
      if (!client.isClosed) continue;
      client.disconnect();
      disconnect(this.model, tuple);
      this.#comeAgain(who);
    }
    const expected = this.model.notices.splice(0);
    for (const actor of this.#actors) {
      for (const { bytes } of actor.client.inbox.splice(0)) this.#isTold(actor, bytes, expected);
    }
    const missing = expected.filter((notice) => !("maybe" in notice && notice.maybe === true));
    assert.deepEqual(missing, [], "what clients are told");
  }

  /** What there is of each, and how and why allocations ended. */
  compareCounts(): void {
    const { world, worlds, model, streams } = this;
    const count = countOf(model.allocations.values());
    let routes = 0;
    let events = 0;
    for (const [shard, { engine, routes: own, events: told }] of worlds.entries()) {
      assert.equal(engine.allocations, count.shards[shard]?.allocations, `allocations of shard ${shard}`);
      assert.equal(engine.expects, count.shards[shard]?.expects, `whether shard ${shard} expects allocations`);
      routes += own.size;
      events += told.length;
    }
    assert.equal(world.ports.live, model.portsInUse, "ports in use");
    assert.equal(world.openRelays, count.relays, "open relays");
    assert.equal(routes, count.routes, "routes");
    assert.equal(streams.open, count.descriptors, "connections to peers");
    if (events + model.ended.length > 0) this.#compareEnds();
  }

  #compareEnds(): void {
    const over = this.worlds.flatMap((each) => each.eventsOf("connectionOver")).map(({ type: _, ...octets }) => octets);
    assert.deepEqual(over, this.streams.ended.splice(0), "what data connections have carried");
    const ends = this.worlds.flatMap((each) => each.eventsOf("allocationEnded"));
    const ended = ends.map(({ traffic, reason }) => JSON.stringify({ totals: traffic, reason }));
    const expected = this.model.ended.splice(0).map((end) => JSON.stringify(end));
    for (const each of this.worlds) each.events.length = 0;
    if (ended.length + expected.length > 0) assert.deepEqual(ended.sort(), expected.sort(), "how allocations ended");
  }

  /** Relayed addresses, ends, permissions and octets of every allocation. */
  compareState(): void {
    const startMs = this.world.now.monotonicMs - this.model.now * 1000;
    const views = this.worlds.flatMap(({ engine }) => [...engine.describe()]);
    const seen = views.map(({ facts, relayed, expiresMs, peers, traffic }) => ({
      username: facts.username,
      client: toHex(facts.client.client.ip.octets),
      relayed: relayed.map(({ port }) => port),
      expires: (expiresMs - startMs) / 1000,
      peers: peers.map(({ octets }) => toHex(octets)).sort(),
      traffic,
    }));
    const expected = [...this.model.allocations.values()].map(({ username, clientIp, relays, permissions, totals }) => ({
      username,
      client: clientIp,
      relayed: [...relays.values()].map(({ port }) => port),
      expires: Math.max(...[...relays.values()].map(({ until }) => until)),
      peers: [...permissions.keys()].map((key) => toHex(Uint8Array.from(key, (c) => c.charCodeAt(0)))).sort(),
      traffic: totals,
    }));
    const texts = (those: readonly object[]): string[] => those.map((view) => JSON.stringify(view)).sort();
    assert.deepEqual(texts(seen), texts(expected));
  }

  /** The end of a life: nothing is left of anything. */
  assertNothingIsLeft(): void {
    for (const world of this.worlds) world.assertNothingIsLeft();
  }

  #all(input: Input): void {
    for (const world of this.worlds) world.handle(input);
  }

  /** A message that nobody has asked for just now is one of those that the model expects. */
  #isTold({ tuple, told }: Actor, bytes: Uint8Array, expected: Notice[]): void {
    const message = Message.decode(bytes);
    assert.ok(message, "it is a message");
    const outcome = message.errorCode?.code ?? "ok";
    const { method, xorPeerAddress } = message;
    const transaction = toHex(message.transactionId);
    const isIt = (notice: Notice): boolean =>
      "peer" in notice
        ? method === METHOD.connectionAttempt && xorPeerAddress !== undefined && notice.peer === formatAddress(xorPeerAddress)
        : method === METHOD.connect && notice.transaction === transaction && notice.outcome === outcome;
    const at = expected.findIndex((notice) => notice.tuple === tuple && isIt(notice));
    const [notice] = at < 0 ? [] : expected.splice(at, 1);
    assert.ok(notice, `a client was told ${toHex(bytes)}`);
    assert.equal(message.connectionId === undefined, outcome !== "ok", "a CONNECTION-ID for whoever may bind");
    if (message.connectionId === undefined) return;
    notice.connection.id = message.connectionId;
    told.unshift(notice.connection);
    told.splice(REMEMBERED);
  }

  #streamEnds(at: string): void {
    for (const who of CLIENTS.keys()) if (this.#at(who) === at) this.#comeAgain(who);
  }

  #at(who: number): string {
    return atOf(CLIENTS[who]?.shard ?? 0, this.actor(who).client.from);
  }

  #leaves(to: TransportAddress, bytes: Uint8Array): void {
    mayBeReached(to);
    this.#outside.push({ at: formatAddress(to), text: new TextDecoder().decode(bytes) });
  }

  #comeAgain(who: number): void {
    const actor = this.actor(who);
    const { relayedAddresses, username } = actor.client;
    actor.client = this.#newClient(who, username);
    actor.tuple += CLIENTS.length;
    actor.client.relayedAddresses = relayedAddresses;
    actor.last = undefined;
  }

  #newClient(who: number, username: string): SimulatedClient {
    const { shard, ...from } = clientAt(who);
    return (this.worlds[shard] ?? this.world).client({ ...from, username });
  }

  /** A fresh credential for one that has ended, unlike all before it; most of those who had it have it at once. */
  #renew(slot: number): void {
    const before = this.#usernames[slot];
    const { project, label, ttl } = USERNAMES[slot] ?? { project: "", ttl: 0 };
    const name = (deleted: number): string => `project_${project}${deleted}`;
    let deleted = 0;
    while (this.model.deletedProjects.has(name(deleted))) deleted++;
    const expiry = this.model.now + this.model.unixOffset + ttl + ++this.#generation;
    this.#usernames[slot] = `${expiry}:${name(deleted)}${label === undefined ? "" : `:${label}`}`;
    for (const { client } of this.#actors.slice(1)) if (client.username === before) client.username = this.#usernames[slot] ?? "";
  }
}

/** Nothing ever goes to an address that is denied, in whatever form. */
function mayBeReached(to: TransportAddress): void {
  assert.ok(!mustNotBeReached(to), `something left for ${formatAddress(to)}`);
}
