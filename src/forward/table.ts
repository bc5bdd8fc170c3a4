import { mix, multipliers } from "../lib/keyed-hash.ts";
import type { FiveTuple } from "../net/address.ts";
import { SocketAddress } from "../net/socket-address.ts";
import { HashIndex, NONE, OTHER } from "./hash-index.ts";
import type { RelayId, Route, RouteSink, TrafficSlot } from "./route.ts";

/** A route's words, one after the other. `END` is family and port in one word. */
const SOCKET = 0;
const LOCAL = 1;
const CLIENT_END = 2;
const CLIENT = 3;
const CHANNEL = 7;
const RELAY = 8;
const WIRE_END = 9;
const WIRE = 10;
const TRAFFIC = 14;
const TO_CLIENT = 15;
const ROUTE_SHIFT = 4;

const FIRST_ROUTES = 64;

/** What a table is made with. */
export interface ForwardTableOptions {
  /** Random octets, 16 or more: whoever does not know them cannot choose ports or addresses that make look-ups slow. */
  readonly key: Uint8Array;
  /** Clients are connections: their number alone tells them apart. */
  readonly stream?: boolean;
}

/**
 * Both look-ups of ChannelData's way: from a client and its channel to a peer, and from a peer back (RFC 8656 §12).
 *
 * A look-up makes no object: it takes the raw words of a socket address and answers with a route's index, good until
 * that route is closed. Routes are rows of plain words, and two hash indexes point at them.
 */
export class ForwardTable implements RouteSink {
  readonly #stream: boolean;
  readonly #multipliers: Int32Array;
  readonly #byClient = new HashIndex();
  readonly #byPeer = new HashIndex();
  readonly #address = new SocketAddress();
  readonly #free: number[] = [];
  #routes = new Int32Array(FIRST_ROUTES << ROUTE_SHIFT);
  #used = 0;
  #size = 0;

  constructor({ key, stream = false }: ForwardTableOptions) {
    this.#stream = stream;
    this.#multipliers = multipliers(key, "forward");
  }

  /** How many routes there are. */
  get size(): number {
    return this.#size;
  }

  /** How many slots the slowest look-up walks; looks at all of them. */
  get longestSearch(): number {
    return Math.max(this.#byClient.longestSearch, this.#byPeer.longestSearch);
  }

  /**
   * The route of a client's channel.
   *
   * @param from who sent it; a table of streams does not look at `local` and `from`
   * @returns its index, or -1
   */
  toPeer(socket: number, local: number, from: SocketAddress, channel: number): number {
    return this.#stream ? this.#findStream(socket, channel) : this.#findClient(socket, local, from, channel);
  }

  /**
   * The route of what a peer sent to a relayed port.
   *
   * @returns its index, or -1 if there is none or the peer is not permitted now
   */
  toClient(relay: RelayId, from: SocketAddress): number {
    const index = this.#byPeer;
    const routes = this.#routes;
    const hash = this.#hashPeer(relay, from);
    const end = endOf(from);
    for (let slot = index.first(hash); ; slot = index.next(slot)) {
      const route = index.at(slot, hash);
      if (route === NONE) return NONE;
      if (route === OTHER) continue;
      const row = route << ROUTE_SHIFT;
      if (
        routes[row + RELAY] === relay &&
        routes[row + WIRE_END] === end &&
        routes[row + WIRE] === from.word0 &&
        routes[row + WIRE + 1] === from.word1 &&
        routes[row + WIRE + 2] === from.word2 &&
        routes[row + WIRE + 3] === from.word3
      ) {
        return route;
      }
    }
  }

  /** The relayed port that a route sends to its peer from. */
  relayOf(route: number): RelayId {
    return this.#word(route, RELAY);
  }

  /** The listener (a stream: the connection) that a route's client speaks to. */
  socketOf(route: number): number {
    return this.#word(route, SOCKET);
  }

  /** The plane's number for the local address that a route's client speaks to. */
  localOf(route: number): number {
    return this.#word(route, LOCAL);
  }

  /** The channel number on a route's client side. */
  channelOf(route: number): number {
    return this.#word(route, CHANNEL);
  }

  /** Where a route's packets are counted. */
  trafficOf(route: number): TrafficSlot {
    return this.#word(route, TRAFFIC);
  }

  /** Moves a cursor to where a route's packets for the peer go. */
  wireInto(route: number, to: SocketAddress): void {
    this.#addressInto(route, WIRE_END, to);
  }

  /** Moves a cursor to a route's client. */
  clientInto(route: number, to: SocketAddress): void {
    this.#addressInto(route, CLIENT_END, to);
  }

  /**
   * Adds a route, or replaces the one of the same client and channel, which keeps its index.
   *
   * A peer's data has one way back: if another route had the same relay and peer, its way to the client ends.
   */
  openRoute(route: Route): void {
    const { client, channel } = route;
    const existing = this.#find(client, channel);
    const at = existing === NONE ? this.#add(client, channel) : existing;
    if (existing !== NONE) this.#closeWayBack(at);
    const row = at << ROUTE_SHIFT;
    this.#routes[row + RELAY] = route.relay;
    this.#routes[row + TRAFFIC] = route.traffic;
    this.#write(row, WIRE_END, this.#address.assign(route.wire));
    if (route.toClient) this.#openWayBack(at);
  }

  closeRoute({ client, channel }: Route): void {
    const at = this.#find(client, channel);
    if (at === NONE) return;
    this.#closeWayBack(at);
    this.#byClient.delete(this.#hashOf(client, channel), at);
    this.#free.push(at);
    this.#size--;
  }

  #findClient(socket: number, local: number, from: SocketAddress, channel: number): number {
    const index = this.#byClient;
    const routes = this.#routes;
    const hash = this.#hashClient(socket, local, from, channel);
    const end = endOf(from);
    for (let slot = index.first(hash); ; slot = index.next(slot)) {
      const route = index.at(slot, hash);
      if (route === NONE) return NONE;
      if (route === OTHER) continue;
      const row = route << ROUTE_SHIFT;
      if (
        routes[row + SOCKET] === socket &&
        routes[row + LOCAL] === local &&
        routes[row + CLIENT_END] === end &&
        routes[row + CLIENT] === from.word0 &&
        routes[row + CLIENT + 1] === from.word1 &&
        routes[row + CLIENT + 2] === from.word2 &&
        routes[row + CLIENT + 3] === from.word3 &&
        routes[row + CHANNEL] === channel
      ) {
        return route;
      }
    }
  }

  #findStream(connection: number, channel: number): number {
    const index = this.#byClient;
    const routes = this.#routes;
    const hash = this.#hashStream(connection, channel);
    for (let slot = index.first(hash); ; slot = index.next(slot)) {
      const route = index.at(slot, hash);
      if (route === NONE) return NONE;
      if (route === OTHER) continue;
      const row = route << ROUTE_SHIFT;
      if (routes[row + SOCKET] === connection && routes[row + CHANNEL] === channel) return route;
    }
  }

  #find({ socket, local, client }: FiveTuple, channel: number): number {
    return this.toPeer(socket, local, this.#address.assign(client), channel);
  }

  #add(client: FiveTuple, channel: number): number {
    const at = this.#free.pop() ?? this.#used++;
    const row = at << ROUTE_SHIFT;
    if (row === this.#routes.length) this.#grow();
    this.#routes[row + SOCKET] = client.socket;
    this.#routes[row + LOCAL] = client.local;
    this.#routes[row + CHANNEL] = channel;
    this.#routes[row + TO_CLIENT] = 0;
    this.#write(row, CLIENT_END, this.#address.assign(client.client));
    this.#byClient.insert(this.#hashOf(client, channel), at);
    this.#size++;
    return at;
  }

  #grow(): void {
    const before = this.#routes;
    this.#routes = new Int32Array(2 * before.length);
    this.#routes.set(before);
  }

  #openWayBack(route: number): void {
    this.wireInto(route, this.#address);
    const other = this.toClient(this.relayOf(route), this.#address);
    if (other !== NONE) this.#closeWayBack(other);
    this.#routes[(route << ROUTE_SHIFT) + TO_CLIENT] = 1;
    this.#byPeer.insert(this.#hashPeer(this.relayOf(route), this.#address), route);
  }

  #closeWayBack(route: number): void {
    if (this.#word(route, TO_CLIENT) === 0) return;
    this.#routes[(route << ROUTE_SHIFT) + TO_CLIENT] = 0;
    this.wireInto(route, this.#address);
    this.#byPeer.delete(this.#hashPeer(this.relayOf(route), this.#address), route);
  }

  #word(route: number, word: number): number {
    return this.#routes[(route << ROUTE_SHIFT) + word] ?? 0;
  }

  #addressInto(route: number, end: number, to: SocketAddress): void {
    const at = (route << ROUTE_SHIFT) + end;
    const routes = this.#routes;
    const familyAndPort = routes[at] ?? 0;
    to.family = familyAndPort >> 16 === 6 ? 6 : 4;
    to.port = familyAndPort & 0xffff;
    to.word0 = routes[at + 1] ?? 0;
    to.word1 = routes[at + 2] ?? 0;
    to.word2 = routes[at + 3] ?? 0;
    to.word3 = routes[at + 4] ?? 0;
    to.scope = 0;
  }

  #write(row: number, end: number, from: SocketAddress): void {
    const at = row + end;
    this.#routes[at] = endOf(from);
    this.#routes[at + 1] = from.word0;
    this.#routes[at + 2] = from.word1;
    this.#routes[at + 3] = from.word2;
    this.#routes[at + 4] = from.word3;
  }

  #hashOf({ socket, local, client }: FiveTuple, channel: number): number {
    if (this.#stream) return this.#hashStream(socket, channel);
    return this.#hashClient(socket, local, this.#address.assign(client), channel);
  }

  /** Pieces of 16 bits, each with a multiplier of its own: see {@link multipliers}. */
  #hashClient(socket: number, local: number, from: SocketAddress, channel: number): number {
    const by = this.#multipliers;
    const ours = Math.imul(by[0] ?? 0, socket) + Math.imul(by[1] ?? 0, local) + Math.imul(by[2] ?? 0, channel);
    return mix((ours + this.#sumAddress(from)) | 0);
  }

  #hashPeer(relay: RelayId, from: SocketAddress): number {
    return mix((this.#sumNumber(relay) + this.#sumAddress(from)) | 0);
  }

  #hashStream(connection: number, channel: number): number {
    return mix((this.#sumNumber(connection) + Math.imul(this.#multipliers[2] ?? 0, channel)) | 0);
  }

  #sumNumber(number: number): number {
    const by = this.#multipliers;
    return (Math.imul(by[0] ?? 0, number & 0xffff) + Math.imul(by[1] ?? 0, number >>> 16)) | 0;
  }

  #sumAddress({ family, port, word0, word1, word2, word3 }: SocketAddress): number {
    const by = this.#multipliers;
    let sum = Math.imul(by[3] ?? 0, port);
    sum = (sum + Math.imul(by[4] ?? 0, word0 >>> 16) + Math.imul(by[5] ?? 0, word0 & 0xffff)) | 0;
    if (family === 4) return sum;
    sum = (sum + Math.imul(by[6] ?? 0, word1 >>> 16) + Math.imul(by[7] ?? 0, word1 & 0xffff)) | 0;
    sum = (sum + Math.imul(by[8] ?? 0, word2 >>> 16) + Math.imul(by[9] ?? 0, word2 & 0xffff)) | 0;
    return (sum + Math.imul(by[10] ?? 0, word3 >>> 16) + Math.imul(by[11] ?? 0, word3 & 0xffff)) | 0;
  }
}

/** Family and port of an address in one word. */
function endOf({ family, port }: SocketAddress): number {
  return (family << 16) | port;
}
