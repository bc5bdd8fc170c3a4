import { assert } from "../lib/assert.ts";
import type { Random } from "../lib/random.ts";
import type { TransportAddress } from "../net/address.ts";
import { equalIp, type IpAddress } from "../net/ip.ts";
import { RESERVATION_BYTES, type ReservedPort, Reservations } from "./reservations.ts";

/** A port that was used rests this long before chance may pick it: what its last peers still send must not reach a stranger. */
const REST_SECONDS = 120;
/** A port that the system would not bind is left alone this long, and after that until nothing else is free: it is another program's. */
const REFUSED_SECONDS = 60;
/** Later than any second. */
const LAST_RESORT = 2 ** 30;
/** Ports that are tried by chance before the whole range is looked at. */
const PROBES = 48;
/** Of the ports that have been free longest so many are remembered, so that not every claim has to look at the whole range. */
const REMEMBERED = 256;
/** How often the whole range is looked at again because another thread was quicker. */
const SCANS = 16;

/** The low bits of a port's word. Above them the second, counted from 1, at which it came to that; 0 is "never used". */
const FREE = 0;
const REFUSED = 1;
const CLAIMED = 2;
const RESERVED = 3;
const STATE_BITS = 2;
const STATE_MASK = 3;

/** What a port table covers; the same on every thread. */
export interface PortTableShape {
  /** Where relayed sockets are bound, and what clients and peers are shown instead. */
  readonly addresses: readonly RelayAddress[];
  readonly firstPort: number;
  readonly lastPort: number;
}

/** An address of ours that relays have: the same twice but behind a 1:1 NAT. */
export interface RelayAddress {
  readonly local: IpAddress;
  readonly shown: IpAddress;
}

/** What a claimed port must be: even, and with the next one up claimed too (EVEN-PORT and its R bit, RFC 8656 §18.7). */
export interface PortWish {
  readonly even: boolean;
  readonly pair: boolean;
}

/** Which relayed addresses are in use now, on any thread: what the peer policy asks. */
export interface LiveRelays {
  /** Whether relays of ours have this address, as it is shown. */
  hasAddress(ip: IpAddress): boolean;
  /** Whether this is the relayed address of a live allocation, as it is shown. */
  isLive(address: TransportAddress): boolean;
}

/**
 * Every relayed port of the process in shared memory: free since when, or taken. Any thread claims any port.
 *
 * One word a port; a claim is one compare-and-swap, so no thread ever waits. A claim takes a port by chance among those
 * that have rested for two minutes (RFC 8656 §7.2 wants it hard to guess), else the one that has been free longest.
 */
export class PortTable implements LiveRelays {
  readonly #shape: PortTableShape;
  readonly #random: Random;
  readonly #ports: number;
  readonly #words: Int32Array;
  /** For each port that is claimed, the shard whose relay it is. */
  readonly #owners: Int16Array;
  /** For each address: how many of its ports are taken. */
  readonly #taken: Int32Array;
  readonly #reservations: Reservations;
  readonly #translates: boolean;
  readonly #ofFamily: Readonly<Record<4 | 6, readonly number[]>>;
  /** Indexes of ports of one address that have been free since one second, and no port of it for longer, when they were looked for. */
  readonly #oldest = new Int32Array(REMEMBERED);
  #oldestCount = 0;
  #oldestSince = 0;
  #oldestBase = 0;
  /** For each address: before this second none of its ports will have rested, as far as the whole range was looked at. */
  readonly #noneRestedBefore: Int32Array;

  /** Memory for a table of this shape, all ports free. */
  static memory(shape: PortTableShape): SharedArrayBuffer {
    const ports = shape.addresses.length * portsOf(shape);
    return new SharedArrayBuffer(RESERVATION_BYTES + 4 * (shape.addresses.length + ports) + 2 * ports);
  }

  constructor(memory: SharedArrayBuffer, shape: PortTableShape, random: Random) {
    this.#shape = shape;
    this.#random = random;
    this.#ports = portsOf(shape);
    const addresses = shape.addresses.length;
    this.#reservations = new Reservations(memory);
    this.#taken = new Int32Array(memory, RESERVATION_BYTES, addresses);
    this.#words = new Int32Array(memory, RESERVATION_BYTES + 4 * addresses, addresses * this.#ports);
    this.#owners = new Int16Array(memory, this.#words.byteOffset + this.#words.byteLength, addresses * this.#ports);
    this.#noneRestedBefore = new Int32Array(addresses);
    const ofFamily = (family: 4 | 6): readonly number[] =>
      [...shape.addresses.keys()].filter((address) => shape.addresses[address]?.local.family === family);
    this.#ofFamily = { 4: ofFamily(4), 6: ofFamily(6) };
    this.#translates = shape.addresses.some(({ local, shown }) => !equalIp(local, shown));
  }

  /** How many ports are taken, by relays and by reservations. */
  get live(): number {
    return this.#shape.addresses.reduce((sum, _, address) => sum + Atomics.load(this.#taken, address), 0);
  }

  /** The numbers of the addresses of a family: what {@link claim} takes. */
  addressesOf(family: 4 | 6): readonly number[] {
    return this.#ofFamily[family];
  }

  /**
   * Takes a port of an address. It is the caller's until {@link release} or {@link refuse}.
   *
   * @returns the port (of a pair the even one), or `undefined` if none is free
   */
  claim(address: number, wish: PortWish, nowMs: number): number | undefined {
    const need = wish.pair ? 2 : 1;
    if (Atomics.load(this.#taken, address) + need > this.#ports) return undefined;
    const step = wish.even || wish.pair ? 2 : 1;
    const offset = step === 2 ? this.#shape.firstPort & 1 : 0;
    const choices = Math.floor((this.#ports - offset - need) / step) + 1;
    if (choices < 1) return undefined;
    const base = address * this.#ports + offset;
    const now = secondOf(nowMs);
    const rested = Math.max(0, now - REST_SECONDS);
    const probes = now < (this.#noneRestedBefore[address] ?? 0) ? 0 : PROBES;
    for (let probe = 0; probe < probes; probe++) {
      const at = base + step * this.#random.below(choices);
      if (this.#take(at, need, rested, now)) return this.#claimed(address, at, need);
    }
    const remembered = step === 1 ? this.#takeRemembered(base, now) : undefined;
    if (remembered !== undefined) return this.#claimed(address, remembered, need);
    for (let scan = 0; scan < SCANS; scan++) {
      const [at, since] = this.#scan(base, step, choices, need, now);
      if (step === 1 && since > rested) this.#noneRestedBefore[address] = Math.min(since, now) + REST_SECONDS;
      if (since === Infinity) return undefined;
      if (this.#take(at, need, since, now)) return this.#claimed(address, at, need);
    }
    return undefined;
  }

  /** Gives a port back; of a pair each on its own. */
  release(address: number, port: number, nowMs: number): void {
    this.#giveBack(address, port, FREE, nowMs);
  }

  /** Gives a port back that the system would not bind. */
  refuse(address: number, port: number, nowMs: number): void {
    this.#giveBack(address, port, REFUSED, nowMs);
  }

  /** Notes whose relay a claimed port is. */
  own(address: number, port: number, shard: number): void {
    Atomics.store(this.#owners, this.#index(address, port), shard);
  }

  /** The shard whose relay a port is; `undefined` if it is nobody's, or no port of ours at all. */
  ownerOf(address: number, port: number): number | undefined {
    if (address >= this.#shape.addresses.length || port < this.#shape.firstPort || port > this.#shape.lastPort) return undefined;
    const at = this.#index(address, port);
    const isClaimed = (Atomics.load(this.#words, at) & STATE_MASK) === CLAIMED;
    return isClaimed ? Atomics.load(this.#owners, at) : undefined;
  }

  hasAddress(ip: IpAddress): boolean {
    return this.#shape.addresses.some(({ shown }) => equalIp(shown, ip));
  }

  isLive({ ip, port }: TransportAddress): boolean {
    return this.#addressWhere((relay) => equalIp(relay.shown, ip), port) !== undefined;
  }

  /** Where packets for a peer go: the local address of a live relay of ours, else the peer's own. */
  toWire(peer: TransportAddress): TransportAddress {
    if (!this.#translates) return peer;
    const relay = this.#addressWhere(({ shown }) => equalIp(shown, peer.ip), peer.port);
    return relay === undefined ? peer : { ip: relay.local, port: peer.port };
  }

  /** What a client calls the sender of a packet: what {@link toWire} undoes. */
  toShown(from: TransportAddress): TransportAddress {
    if (!this.#translates) return from;
    const relay = this.#addressWhere(({ local }) => equalIp(local, from.ip), from.port);
    return relay === undefined ? from : { ip: relay.shown, port: from.port };
  }

  /**
   * Keeps a claimed port, and the descriptor that is bound to it, for whoever brings the token within 30 s
   * (RFC 8656 §7.2). While it waits it is no live relay.
   *
   * @param token 8 octets that nobody can guess
   * @returns false if too many are waiting; the port then is the caller's as before
   */
  reserve(token: Uint8Array, address: number, port: number, descriptor: number, nowMs: number): boolean {
    const at = this.#index(address, port);
    const word = Atomics.load(this.#words, at);
    assert((word & STATE_MASK) === CLAIMED, "only a claimed port is reserved");
    Atomics.store(this.#words, at, (word & ~STATE_MASK) | RESERVED);
    if (this.#reservations.hold(token, { address, port, descriptor }, nowMs)) return true;
    Atomics.store(this.#words, at, word);
    return false;
  }

  /** The port that a token stands for, once; it is the caller's, and a live relay, from then on. */
  redeem(token: Uint8Array, nowMs: number): ReservedPort | undefined {
    return this.#claimReserved(this.#reservations.take(token, nowMs));
  }

  /** The same whether or not its time is over: for giving it back, descriptor and all, by closing and {@link release}. */
  cancel(token: Uint8Array): ReservedPort | undefined {
    return this.#claimReserved(this.#reservations.take(token, undefined));
  }

  #claimReserved(reserved: ReservedPort | undefined): ReservedPort | undefined {
    if (reserved === undefined) return undefined;
    const at = this.#index(reserved.address, reserved.port);
    Atomics.store(this.#words, at, (Atomics.load(this.#words, at) & ~STATE_MASK) | CLAIMED);
    return reserved;
  }

  /** The address, of those that are meant, whose relay lives at a port. */
  #addressWhere(isMeant: (relay: RelayAddress) => boolean, port: number): RelayAddress | undefined {
    if (port < this.#shape.firstPort || port > this.#shape.lastPort) return undefined;
    return this.#shape.addresses.find((relay, address) => {
      return isMeant(relay) && (Atomics.load(this.#words, this.#index(address, port)) & STATE_MASK) === CLAIMED;
    });
  }

  /** Takes one of the ports that are remembered: whichever still are as they were have still been free longest. */
  #takeRemembered(base: number, now: number): number | undefined {
    while (this.#oldestBase === base && this.#oldestCount > 0) {
      const place = this.#random.below(this.#oldestCount);
      const at = this.#oldest[place] ?? 0;
      this.#oldestCount--;
      this.#oldest[place] = this.#oldest[this.#oldestCount] ?? 0;
      if (this.#take(at, 1, this.#oldestSince, now)) return at;
    }
    return undefined;
  }

  /** The first rested port behind a place of chance, else the one free longest; with the second since which it is. */
  #scan(base: number, step: number, choices: number, need: number, now: number): [at: number, since: number] {
    const rested = Math.max(0, now - REST_SECONDS);
    const start = this.#random.below(choices);
    let best: [number, number] = [base, Infinity];
    this.#oldestBase = base;
    this.#oldestCount = 0;
    for (let i = 0; i < choices && best[1] > rested; i++) {
      const at = base + step * ((start + i) % choices);
      // A plain look, for there are many; whoever takes the port looks again.
      let since = freeSince(this.#words[at] ?? 0, now);
      if (need === 2) since = Math.max(since, freeSince(this.#words[at + 1] ?? 0, now));
      if (since < best[1]) {
        best = [at, since];
        this.#oldestSince = since;
        this.#oldestCount = 0;
      } else if (since === best[1] && step === 1 && this.#oldestCount < REMEMBERED) {
        this.#oldest[this.#oldestCount++] = at;
      }
    }
    return best;
  }

  /** Takes a port and those above it, all or none, if all are free since a second or longer and no other thread is quicker. */
  #take(at: number, need: number, since: number, now: number): boolean {
    if (need === 0) return true;
    const before = Atomics.load(this.#words, at);
    if (freeSince(before, now) > since) return false;
    if (Atomics.compareExchange(this.#words, at, before, (now << STATE_BITS) | CLAIMED) !== before) return false;
    if (this.#take(at + 1, need - 1, since, now)) return true;
    Atomics.store(this.#words, at, before);
    return false;
  }

  #claimed(address: number, at: number, need: number): number {
    Atomics.add(this.#taken, address, need);
    return at - address * this.#ports + this.#shape.firstPort;
  }

  #giveBack(address: number, port: number, state: typeof FREE | typeof REFUSED, nowMs: number): void {
    const at = this.#index(address, port);
    const word = Atomics.load(this.#words, at);
    assert((word & STATE_MASK) > REFUSED, "only a taken port is given back");
    Atomics.sub(this.#taken, address, 1);
    Atomics.store(this.#words, at, (secondOf(nowMs) << STATE_BITS) | state);
  }

  #index(address: number, port: number): number {
    assert(port >= this.#shape.firstPort && port <= this.#shape.lastPort, "a relayed port lies in the range");
    return address * this.#ports + port - this.#shape.firstPort;
  }
}

/** Since which second a port is free (0: always); Infinity while it may not be taken. */
function freeSince(word: number, now: number): number {
  const since = word >>> STATE_BITS;
  const state = word & STATE_MASK;
  if (state === FREE) return since;
  return state === REFUSED && now - since >= REFUSED_SECONDS ? LAST_RESORT + since : Infinity;
}

function portsOf({ firstPort, lastPort }: PortTableShape): number {
  return lastPort - firstPort + 1;
}

/** Counted from 1: 0 means "always". */
function secondOf(nowMs: number): number {
  return Math.floor(nowMs / 1000) + 1;
}
