import type { ClientSide, Packet, PeerSide, PlaneHandler } from "../dataplane/plane.ts";
import type { RelayId } from "../forward/route.ts";
import type { ForwardTable } from "../forward/table.ts";
import type { Traffic } from "../forward/traffic.ts";
import { readUint16 } from "../lib/bytes.ts";
import type { Clock } from "../lib/time.ts";
import type { FiveTuple, TransportAddress } from "../net/address.ts";
import { SocketAddress } from "../net/socket-address.ts";
import { type Counters, IGNORED_REASONS, slotOf } from "../observe/counters.ts";
import { count } from "../observe/narrate.ts";
import type { TurnPressure } from "../policy/pressure.ts";
import type { ReplyBudget } from "../policy/rate.ts";
import { CHANNEL_HEADER_BYTES, writeChannelHeader } from "../stun/channel-data.ts";
import type { Action, StreamAction } from "../turn/action.ts";
import type { Engine } from "../turn/engine.ts";
import type { TurnEvent } from "../turn/event.ts";
import type { Input } from "../turn/input.ts";
import type { ShardMessage } from "../turn/shard-message.ts";
import type { SharedRelayPorts } from "./relay-ports.ts";
import type { StunResponder } from "./stun-responder.ts";

/** What a shard is made of. */
export interface ShardParts {
  readonly engine: Engine;
  readonly table: ForwardTable;
  readonly traffic: Traffic;
  readonly ports: SharedRelayPorts;
  readonly clients: ClientSide;
  readonly peers: PeerSide;
  readonly counters: Counters;
  readonly clock: Clock;
  /** The monotonic clock as a bare number: asked once a turn with traffic, and nothing is made for it. */
  readonly monotonicMs: () => number;
  /** Where Binding requests may be answered from the packet alone; and the budget they count against. */
  readonly responder?: { readonly stun: StunResponder; readonly budget: ReplyBudget } | undefined;
  /** Told how much each turn had to do; asked before a plain Binding request is answered. */
  readonly pressure: TurnPressure;
  /** What happened, beyond the counters. */
  readonly report: (event: TurnEvent) => void;
  /** The number of the listener on an address of ours, where RFC 5780 has answers leave from another. */
  readonly listenerAt: (address: TransportAddress) => number | undefined;
  /** Does what TCP allocations want: only where clients are streams. */
  readonly streams: (action: StreamAction) => void;
  /** Hands a message to a shard; to ourselves, at once. */
  readonly toShard: (shard: number, message: ShardMessage) => void;
  /** Closes a stream, after what was sent to it. */
  readonly closeClient: (client: FiveTuple) => void;
}

const PACKETS_TO_PEER = slotOf("relayed_packets_total", 0);
const PACKETS_TO_CLIENT = slotOf("relayed_packets_total", 1);
const OCTETS_TO_PEER = slotOf("relayed_octets_total", 0);
const OCTETS_TO_CLIENT = slotOf("relayed_octets_total", 1);
const NO_ROUTE = slotOf("dropped_packets_total", 0);
const OVER_BANDWIDTH = slotOf("dropped_packets_total", 1);
const BINDINGS = slotOf("bindings_total");
const UNDER_PRESSURE = slotOf("messages_ignored_total", IGNORED_REASONS.indexOf("pressure"));

/** Where thinking meets moving: what a packet is, and who must do something about it. */
export class Shard implements PlaneHandler {
  readonly #parts: ShardParts;
  /** Where a packet goes; filled for each, made once. */
  readonly #to = new SocketAddress();
  /** When this turn had its first datagram; -1 before that. */
  #turnMs = -1;
  #lastTurnMs = -1;
  #thoughts = 0;
  /** Datagrams of this turn. */
  #turnDatagrams = 0;

  constructor(parts: ShardParts) {
    this.#parts = parts;
  }

  /** When {@link expire} wants to be called, in monotonic milliseconds. */
  get nextDeadline(): number | undefined {
    return this.#parts.engine.nextDeadline;
  }

  /** How often the engine was asked: each time makes some garbage, which nothing else here does. */
  get thoughts(): number {
    return this.#thoughts;
  }

  fromClient(packet: Packet): void {
    this.#countDatagram();
    if (packet.length === 0) return;
    const kind = (packet.bytes[packet.offset] ?? 0xff) & 0xc0;
    if (kind === 0x40) this.#channelData(packet);
    else if (kind === 0x00) this.#message(packet);
    else this.#parts.counters.addAt(NO_ROUTE, 1);
  }

  fromPeer(packet: Packet): void {
    this.#countDatagram();
    const { table, traffic, clients, counters } = this.#parts;
    const route = table.toClient(packet.socket, packet.from);
    if (route < 0) return this.#peerWithoutRoute(packet);
    if (!traffic.chargeToClient(table.trafficOf(route), packet.length, this.#nowMs())) return counters.addAt(OVER_BANDWIDTH, 1);
    counters.addAt(PACKETS_TO_CLIENT, 1);
    counters.addAt(OCTETS_TO_CLIENT, packet.length);
    const start = packet.offset - CHANNEL_HEADER_BYTES;
    writeChannelHeader(packet.bytes, start, table.channelOf(route), packet.length);
    table.clientInto(route, this.#to);
    const { bytes, length } = packet;
    clients.sendToClient(table.socketOf(route), table.localOf(route), this.#to, bytes, start, length + CHANNEL_HEADER_BYTES);
  }

  peerUnreachable(relay: RelayId, peer: SocketAddress, type: number, code: number, data: number): void {
    this.handle({
      kind: "peerUnreachable",
      relay,
      peer: this.#parts.ports.shownOf(peer.toAddress()),
      icmp: { type, code, data },
    });
  }

  turnEnds(): void {
    if (this.#turnDatagrams > 0) this.#parts.pressure.turnEnds(this.#turnDatagrams, this.#parts.monotonicMs);
    this.#turnDatagrams = 0;
    this.#lastTurnMs = this.#turnMs;
    this.#turnMs = -1;
  }

  /** Lets the engine think about something, and does what it wants. */
  handle(input: Input): void {
    this.#thoughts += 1;
    this.#perform(this.#parts.engine.handle(input, this.#parts.clock.now()));
  }

  /**
   * Ends what is due.
   *
   * @returns in how many milliseconds it wants to be called again; Infinity if nothing will be due
   */
  expire(): number {
    // A turn with traffic has read the clock: what is due a moment later can wait for the next turn.
    const now = this.#lastTurnMs < 0 ? this.#parts.monotonicMs() : this.#lastTurnMs;
    this.#lastTurnMs = -1;
    if ((this.nextDeadline ?? Infinity) <= now) this.handle({ kind: "timeout" });
    return Math.max(0, (this.nextDeadline ?? Infinity) - now);
  }

  #countRelayed(packets: number, octets: number, length: number): void {
    this.#parts.counters.addAt(packets, 1);
    this.#parts.counters.addAt(octets, length);
  }

  #countDatagram(): void {
    if (this.#turnDatagrams++ === 0) this.#parts.pressure.turnBegins(this.#nowMs());
  }

  #nowMs(): number {
    if (this.#turnMs < 0) this.#turnMs = this.#parts.monotonicMs();
    return this.#turnMs;
  }

  #channelData(packet: Packet): void {
    const { table, traffic, peers, counters } = this.#parts;
    const { bytes, offset } = packet;
    if (packet.length < CHANNEL_HEADER_BYTES) return counters.addAt(NO_ROUTE, 1);
    const length = readUint16(bytes, offset + 2);
    const route = table.toPeer(packet.socket, packet.local, packet.from, readUint16(bytes, offset));
    if (route < 0 && this.#parts.engine.expects) return this.#waitingChannelData(packet);
    // Over UDP there may be padding behind the data, never less than it says (RFC 8656 §12.5).
    if (route < 0 || length > packet.length - CHANNEL_HEADER_BYTES) return counters.addAt(NO_ROUTE, 1);
    if (!traffic.chargeToPeer(table.trafficOf(route), length, this.#nowMs())) return counters.addAt(OVER_BANDWIDTH, 1);
    counters.addAt(PACKETS_TO_PEER, 1);
    counters.addAt(OCTETS_TO_PEER, length);
    table.wireInto(route, this.#to);
    peers.sendToPeer(table.relayOf(route), this.#to, bytes, offset + CHANNEL_HEADER_BYTES, length, false);
  }

  /** It may be from a client whose allocation is on its way: the engine knows. */
  #waitingChannelData(packet: Packet): void {
    const { clients, counters } = this.#parts;
    const { bytes, offset, length } = packet;
    counters.addAt(NO_ROUTE, 1);
    this.handle({ kind: "channelData", from: clients.fiveTuple(packet), bytes: bytes.subarray(offset, offset + length) });
  }

  #message(packet: Packet): void {
    const { responder, clients, counters, pressure } = this.#parts;
    if (responder?.stun.answer(packet)) {
      if (pressure.sheds("binding")) return counters.addAt(UNDER_PRESSURE, 1);
      if (!responder.budget.allows(packet.from.toAddress().ip, this.#nowMs())) return;
      counters.addAt(BINDINGS, 1);
      const { bytes, length } = responder.stun;
      return clients.sendToClient(packet.socket, packet.local, packet.from, bytes, 0, length);
    }
    const { bytes, offset, length } = packet;
    this.handle({ kind: "message", from: clients.fiveTuple(packet), bytes: bytes.subarray(offset, offset + length) });
  }

  #peerWithoutRoute({ socket, from, bytes, offset, length }: Packet): void {
    const peer = this.#parts.ports.shownOf(from.toAddress());
    this.handle({ kind: "peerDatagram", relay: socket, peer, bytes: bytes.subarray(offset, offset + length) });
  }

  #perform(actions: readonly Action[]): void {
    for (const action of actions) this.#do(action);
  }

  #do(action: Action): void {
    const { clients, peers, table, ports } = this.#parts;
    switch (action.kind) {
      case "send": {
        const { to, source, bytes, relayed } = action;
        if (relayed !== undefined) this.#countRelayed(PACKETS_TO_CLIENT, OCTETS_TO_CLIENT, relayed);
        const other = source && this.#parts.listenerAt(source);
        const [socket, local] = other === undefined ? [to.socket, to.local] : [other, 0];
        return clients.sendToClient(socket, local, this.#to.assign(to.client), bytes, 0, bytes.length);
      }
      case "sendToPeer": {
        const { relay, wire, bytes, dontFragment } = action;
        this.#countRelayed(PACKETS_TO_PEER, OCTETS_TO_PEER, bytes.length);
        return peers.sendToPeer(relay, this.#to.assign(wire), bytes, 0, bytes.length, dontFragment);
      }
      case "closeRelay":
        return ports.close(action.relay, this.#nowMs());
      case "openRoute":
        return table.openRoute(action.route);
      case "closeRoute":
        return table.closeRoute(action.route);
      case "closeClient":
        return this.#parts.closeClient(action.client);
      case "connectPeer":
      case "giveUpPeer":
      case "closePeer":
      case "holdClient":
      case "releaseClient":
      case "splice":
      case "closeSplice":
        return this.#parts.streams(action);
      case "toShard":
        return this.#parts.toShard(action.shard, action.message);
      case "report":
        count(this.#parts.counters, action.event);
        return this.#parts.report(action.event);
    }
  }
}
