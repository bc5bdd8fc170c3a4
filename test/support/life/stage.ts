import assert from "node:assert/strict";
import { toHex } from "../../../src/lib/bytes.ts";
import { formatAddress, type TransportAddress } from "../../../src/net/address.ts";
import { PeerRules } from "../../../src/policy/peers.ts";
import type { Outcome, Reply, SimulatedClient } from "../simulated-client.ts";
import { Simulation, START_UNIX_MS } from "../simulation.ts";
import { CLIENTS, FIRST_PORT, FIXED_PEERS, mustNotBeReached, RELAYS, relayedPortOf, relayPeer, USERNAMES } from "./cast.ts";
import { type Arrival, type Asker, Model } from "./model.ts";
import type { ModelPeer } from "./model-allocation.ts";
import type { Limits, Reload } from "./step.ts";

/** A client of the life, and what its last request must come to if it is sent again. */
export interface Actor {
  client: SimulatedClient;
  last: { readonly method: "allocate" | "other"; readonly redo: (reply: Reply) => Outcome } | undefined;
}

/** The world of a life and the model of it, side by side, and whoever acts in them. */
export class Stage {
  readonly world: Simulation;
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
    this.world = new Simulation({
      ...{ seed, settings, slots, quota, bytesPerSecond, relays: RELAYS, ports: [FIRST_PORT, FIRST_PORT + ports - 1] },
      policy: (relays) => new PeerRules({ allow: [], deny: [], only: [], minPort: 1, own, relays }),
    });
    this.world.watch = (to, bytes) => this.#leaves(to, bytes);
    this.model = new Model(limits, START_UNIX_MS / 1000);
    for (const slot of USERNAMES.keys()) this.#renew(slot);
    for (const who of CLIENTS.keys()) {
      this.#actors.push({ client: this.#newClient(who, this.#usernames[who % USERNAMES.length] ?? ""), last: undefined });
    }
  }

  actor(who: number): Actor {
    const actor = this.#actors[who];
    assert.ok(actor, "there is such a client");
    return actor;
  }

  asker(who: number): Asker {
    const { client } = this.actor(who);
    return { who, username: client.username, clientIp: toHex(client.from.client.ip.octets) };
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
    const { client } = this.actor(who);
    if (client.from.transport === "udp") return;
    client.disconnect();
    this.model.end("client disconnected", (allocation) => allocation.who === who);
    this.#comeAgain(who);
  }

  revoke(slot: number): void {
    const username = this.#usernames[slot] ?? "";
    this.world.authority.revoked.add(username);
    this.world.handle({ kind: "ended", username });
    this.model.revoked.add(username);
    this.model.end("revoked", (allocation) => allocation.username === username);
    this.#renew(slot);
  }

  delete(slot: number): void {
    const projectOf = (username: string): string => username.split(":")[1] ?? "";
    const project = projectOf(this.#usernames[slot] ?? "");
    this.world.authority.deleted.add(project);
    this.world.handle({ kind: "projectEnded", project });
    this.model.deletedProjects.add(project);
    this.model.end("project deleted", ({ username }) => projectOf(username) === project);
    for (const [each, username] of this.#usernames.entries()) if (projectOf(username) === project) this.#renew(each);
  }

  reload(settings: Reload, quota: Limits["quota"]): void {
    this.world.configure(settings);
    this.world.quota.limits = quota;
    this.model.limits = { ...this.model.limits, ...settings, quota };
  }

  drain(): void {
    this.world.handle({ kind: "drain" });
    this.model.draining = true;
  }

  shutdown(): void {
    this.world.handle({ kind: "shutdown" });
    this.model.shutdown();
  }

  /** Whose stream was closed comes again over another one. */
  settle(): void {
    for (const [who, { client }] of this.#actors.entries()) if (client.isClosed) this.#comeAgain(who);
  }

  /** What there is of each, and how and why allocations ended. */
  compareCounts(): void {
    const { world, model } = this;
    assert.equal(world.engine.allocations, model.allocations.size, "allocations");
    assert.equal(world.ports.live, model.portsInUse, "ports in use");
    assert.equal(world.openRelays, model.relays, "open relays");
    assert.equal(world.routes.size, model.routes, "routes");
    const ended = world.eventsOf("allocationEnded").map(({ traffic, reason }) => JSON.stringify({ totals: traffic, reason }));
    const expected = model.ended.splice(0).map((end) => JSON.stringify(end));
    world.events.length = 0;
    if (ended.length + expected.length > 0) assert.deepEqual(ended.sort(), expected.sort(), "how allocations ended");
  }

  /** Relayed addresses, ends, permissions and octets of every allocation. */
  compareState(): void {
    const startMs = this.world.now.monotonicMs - this.model.now * 1000;
    const seen = [...this.world.engine.describe()].map(({ facts, relayed, expiresMs, peers, traffic }) => ({
      username: facts.username,
      relayed: relayed.map(({ port }) => port),
      expires: (expiresMs - startMs) / 1000,
      peers: peers.map(({ octets }) => toHex(octets)).sort(),
      traffic,
    }));
    const expected = [...this.model.allocations.values()].map(({ username, relays, permissions, totals }) => ({
      username,
      relayed: [...relays.values()].map(({ port }) => port),
      expires: Math.max(...[...relays.values()].map(({ until }) => until)),
      peers: [...permissions.keys()].map((key) => toHex(Uint8Array.from(key, (c) => c.charCodeAt(0)))).sort(),
      traffic: totals,
    }));
    const texts = (views: readonly object[]): string[] => views.map((view) => JSON.stringify(view)).sort();
    assert.deepEqual(texts(seen), texts(expected));
  }

  #leaves(to: TransportAddress, bytes: Uint8Array): void {
    const at = formatAddress(to);
    assert.ok(!mustNotBeReached(to), `a packet left for ${at}`);
    this.#outside.push({ at, text: new TextDecoder().decode(bytes) });
  }

  #comeAgain(who: number): void {
    const actor = this.actor(who);
    const { relayedAddresses, username } = actor.client;
    actor.client = this.#newClient(who, username);
    actor.client.relayedAddresses = relayedAddresses;
    actor.last = undefined;
  }

  #newClient(who: number, username: string): SimulatedClient {
    return this.world.client({ ...CLIENTS[who], username });
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
