import assert from "node:assert/strict";
import type { Random } from "../../src/lib/random.ts";
import { formatAddress, type TransportAddress } from "../../src/net/address.ts";
import { ModelAllocation } from "./allocation-model.ts";
import { seededRandom } from "./seeded-random.ts";
import type { SimulatedClient } from "./simulated-client.ts";
import { Simulation } from "./simulation.ts";

const PEERS = ["198.51.100.1:9", "198.51.100.1:10", "198.51.100.2:9", "198.51.100.3:9", "[2001:db8:1::1]:9"];
const DENIED = "198.51.100.66:9";
const CHANNELS = [0x4000, 0x4001, 0x4002, 0x4fff];
const CLIENTS = 3;
const LIFETIMES = [undefined, 1, 601, 1800, 3600, 100_000];
/** Longer than anything a client can hold. */
const LONG_ENOUGH_SECONDS = 5000;

/** One client, and what the model believes of it. */
interface Pair {
  readonly name: string;
  client: SimulatedClient;
  readonly model: ModelAllocation;
}

/** What one life counted. */
export interface LifeCount {
  readonly steps: number;
  readonly delivered: number;
  readonly dropped: number;
}

/**
 * A random life: clients ask, peers send, time passes, and at each step the engine must do what the model of an allocation
 * says, no more and no less. At its end time runs out for everything, and nothing may be left.
 *
 * @param say called with each step in words
 * @throws {AssertionError} that names seed and step
 */
export function live(seed: number, steps: number, say: (line: string) => void = () => {}): LifeCount {
  const life = new Life(seed, say);
  for (let step = 1; step <= steps; step++) {
    try {
      life.step();
    } catch (error) {
      throw new Error(`Seed ${seed}, step ${step} of ${steps}`, { cause: error });
    }
  }
  life.end();
  return { steps, delivered: life.delivered, dropped: life.dropped };
}

class Life {
  delivered = 0;
  dropped = 0;
  readonly #world: Simulation;
  readonly #random: Random;
  readonly #pairs: readonly Pair[];
  readonly #say: (line: string) => void;
  #texts = 0;

  constructor(seed: number, say: (line: string) => void) {
    this.#world = new Simulation({ seed, settings: { maxAllocationAgeSeconds: 1e9 } });
    this.#world.peers.denied.add("198.51.100.66");
    this.#random = seededRandom(seed);
    this.#say = (line) => say(`${this.#world.seconds} s  ${line}`);
    this.#pairs = Array.from({ length: CLIENTS }, (_, i) => ({
      name: `client ${i + 1}`,
      client: this.#newClient(i),
      model: new ModelAllocation(),
    }));
  }

  step(): void {
    const index = this.#random.below(CLIENTS);
    const pair = this.#pairs[index];
    assert.ok(pair);
    const dice = this.#random.below(100);
    if (dice < 6) this.#allocate(pair);
    else if (dice < 12) this.#refresh(pair);
    else if (dice < 13) this.#disconnect(pair, index);
    else if (dice < 16) this.#wait();
    else if (dice < 22) this.#waitFor(pair);
    else this.#use(pair);
  }

  /** Everything expires; all that was taken is given back. */
  end(): void {
    this.#world.advance({ seconds: LONG_ENOUGH_SECONDS });
    this.#world.assertNothingIsLeft();
  }

  /** Everything that an allocation is for. */
  #use(pair: Pair): void {
    const dice = this.#random.below(10);
    if (dice < 2) this.#permit(pair);
    else if (dice < 4) this.#bind(pair);
    else if (dice < 6) this.#peerSends(pair);
    else if (dice < 8) this.#clientSends(pair);
    else this.#clientSendsOver(pair);
  }

  #allocate({ name, client, model }: Pair): void {
    const lifetime = this.#one(LIFETIMES);
    const expected = model.allocate(lifetime, this.#world.seconds);
    const { outcome, message } = client.tryAllocate(lifetime === undefined ? {} : { lifetime });
    this.#say(`${name} allocates for ${lifetime ?? "the usual"} seconds: ${outcome}`);
    assert.equal(outcome, expected);
    if (outcome === "ok") assert.equal(message?.lifetime, model.secondsLeft(this.#world.seconds));
  }

  #refresh({ name, client, model }: Pair): void {
    const lifetime = this.#random.below(8) === 0 ? 0 : this.#one(LIFETIMES);
    const expected = model.refresh(lifetime, this.#world.seconds);
    const { outcome, message } = client.refresh(lifetime === undefined ? {} : { lifetime });
    this.#say(`${name} refreshes for ${lifetime ?? "the usual"} seconds: ${outcome}`);
    assert.equal(outcome, expected);
    if (outcome === "ok") assert.equal(message?.lifetime, model.secondsLeft(this.#world.seconds));
  }

  #permit({ name, client, model }: Pair): void {
    const peer = this.#one([...PEERS, DENIED]);
    const expected = model.permit(peer, peer === DENIED, this.#world.seconds);
    const outcome = client.createPermission(peer);
    this.#say(`${name} permits ${peer}: ${outcome}`);
    assert.equal(outcome, expected);
  }

  #bind({ name, client, model }: Pair): void {
    const [number, peer] = [this.#one(CHANNELS), this.#one([...PEERS, DENIED])];
    const expected = model.bind(number, peer, peer === DENIED, this.#world.seconds);
    const outcome = client.channelBind(number, peer);
    this.#say(`${name} binds 0x${number.toString(16)} to ${peer}: ${outcome}`);
    assert.equal(outcome, expected);
  }

  #peerSends({ name, client, model }: Pair): void {
    const to = this.#relayedOf(client);
    if (to === undefined) return;
    const [peer, text] = [this.#one([...PEERS, DENIED].filter((address) => !address.startsWith("["))), this.#text()];
    const expected = model.fromPeer(peer, this.#world.seconds);
    client.received();
    this.#world.peer(peer).send(to, text);
    const received = client.received();
    this.#say(`${peer} sends to ${name}: ${received.length === 0 ? "dropped" : "delivered"}`);
    const how = typeof expected === "number" ? { channel: expected, text } : { peer, text };
    assert.deepEqual(received, expected === "dropped" ? [] : [how]);
    this.#count(received.length);
  }

  #clientSends({ name, client, model }: Pair): void {
    const [peer, text] = [this.#one([...PEERS, DENIED]), this.#text()];
    const expected = model.toPeer(peer, this.#world.seconds);
    client.sendTo(peer, text);
    this.#arrives(name, client, peer, text, expected);
  }

  #clientSendsOver({ name, client, model }: Pair): void {
    const [number, text] = [this.#one(CHANNELS), this.#text()];
    const peer = model.toPeerOver(number, this.#world.seconds);
    client.sendOver(number, text);
    this.#arrives(name, client, peer ?? PEERS[0] ?? "", text, peer !== undefined);
  }

  /** Exactly one peer has exactly this datagram, or none has any. */
  #arrives(name: string, client: SimulatedClient, peer: string, text: string, expected: boolean): void {
    const received = [...PEERS, DENIED].flatMap((address) =>
      this.#world
        .peer(address)
        .received()
        .map(({ from, text }) => ({ at: address, from, text })),
    );
    this.#say(`${name} sends to ${peer}: ${received.length === 0 ? "dropped" : "delivered"}`);
    const from = this.#relayedOf(client);
    assert.deepEqual(received, expected && from ? [{ at: peer, from: formatAddress(from), text }] : []);
    this.#count(received.length);
  }

  /** A stream goes, and the same person comes again over another one; over UDP nobody can tell. */
  #disconnect(pair: Pair, index: number): void {
    if (pair.client.from.transport === "udp") return;
    this.#say(`${pair.name} disconnects`);
    pair.client.disconnect();
    pair.model.end();
    pair.client = this.#newClient(index);
  }

  #wait(seconds = 1 + this.#random.below(this.#one([10, 60, 300]))): void {
    this.#world.advance({ seconds });
    this.#say(`${seconds} seconds pass`);
  }

  /** To a moment at which something of a client ends, or to the second before; then everything of its is tried. */
  #waitFor(pair: Pair): void {
    const moments = pair.model.moments(this.#world.seconds).sort((a, b) => a - b);
    if (moments.length === 0) return;
    const seconds = this.#one(moments.slice(0, 3)) - this.#world.seconds - this.#random.below(2);
    if (seconds > 0) this.#wait(seconds);
    for (let tries = 0; tries < 4; tries++) this.#use(pair);
  }

  #newClient(index: number): SimulatedClient {
    return this.#world.client({ transport: index % 2 === 0 ? "udp" : "tcp", username: this.#world.username(1e9) });
  }

  #relayedOf(client: SimulatedClient): TransportAddress | undefined {
    return client.relayedAddresses[0];
  }

  #text(): string {
    return `text ${++this.#texts}`;
  }

  #count(delivered: number): void {
    this.delivered += delivered;
    this.dropped += 1 - delivered;
  }

  #one<T>(choices: readonly T[]): T {
    const [choice] = choices.slice(this.#random.below(choices.length)).map((value) => ({ value }));
    assert.ok(choice);
    return choice.value;
  }
}
