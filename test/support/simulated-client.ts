import assert from "node:assert/strict";
import type { FiveTuple, Transport, TransportAddress } from "../../src/net/address.ts";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { PASSWORD_ALGORITHM } from "../../src/stun/attributes/password-algorithm.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { channelDataLength, channelOf, writeChannelHeader } from "../../src/stun/channel-data.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { longTermKey, longTermKeySha256, verifyIntegrity, verifyIntegritySha256 } from "../../src/stun/integrity.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";
import { passwordOf } from "./simulated-policy.ts";
import type { Simulation } from "./simulation.ts";

const UDP = 17;
const TCP = 6;

export interface SimulatedClientOptions {
  readonly transport?: Transport;
  readonly address?: string;
  readonly server?: string;
  readonly username?: string;
}

/** What an Allocate may ask for. */
export interface AllocateWishes {
  readonly lifetime?: number;
  readonly family?: 4 | 6;
  readonly dual?: boolean;
  readonly evenPort?: { readonly reserveNext: boolean };
  readonly token?: Uint8Array;
  readonly dontFragment?: boolean;
  /** TCP connections instead of datagrams (RFC 6062). */
  readonly tcp?: boolean;
  /** An empty MOBILITY-TICKET, which asks for one (RFC 8016). */
  readonly mobile?: boolean;
}

/** How a request is proven, where it is not the usual way. */
export interface AskOptions {
  readonly transactionId?: Uint8Array;
  readonly username?: string;
  readonly password?: string;
  readonly nonce?: Uint8Array;
  /** USERNAME, REALM or NONCE that are left out. */
  readonly without?: readonly ("username" | "realm" | "nonce")[];
  /** `none`: no integrity and nothing that goes with it. */
  readonly integrity?: "sha1" | "sha256" | "none";
  /** PASSWORD-ALGORITHM, with the whole list beside it. */
  readonly algorithm?: "md5" | "sha256";
  readonly fingerprint?: boolean;
  /** A 438 is answered with a new try, as clients do, unless this is false. */
  readonly retry?: boolean;
}

/** "ok", an error code, or that nothing came. */
export type Outcome = "ok" | "silence" | number;

/** An answer, or that there was none. */
export interface Reply {
  readonly outcome: Outcome;
  readonly message: Message | undefined;
}

/** Data that came to a client, and how. */
export interface Received {
  readonly peer?: string;
  readonly channel?: number;
  readonly text: string;
}

export type Fill = (builder: MessageBuilder) => unknown;

/** A TURN client of a simulation, which can also do what clients must not. */
export class SimulatedClient {
  readonly from: FiveTuple;
  username: string;
  nonce: Uint8Array | undefined;
  realm = "";
  /** The last request as it went out, and when its nonce had come, in seconds of the simulation. */
  lastRequest: { readonly bytes: Uint8Array; readonly nonceAt: number } | undefined;
  isClosed = false;
  /** Whole messages and frames as they came, and the address they left from where it was another. */
  readonly inbox: { readonly bytes: Uint8Array; readonly source?: TransportAddress | undefined }[] = [];
  relayedAddresses: readonly TransportAddress[] = [];
  readonly #world: Simulation;
  #nonceAt = 0;

  constructor(world: Simulation, from: FiveTuple, username: string) {
    this.#world = world;
    this.from = from;
    this.username = username;
  }

  /** The relayed address of its allocation. */
  get relayedAddress(): TransportAddress {
    const [address] = this.relayedAddresses;
    assert.ok(address, "this client has an allocation");
    return address;
  }

  /** Makes an allocation that must succeed. */
  allocate(wishes: AllocateWishes = {}, options: AskOptions = {}): this {
    assert.equal(this.tryAllocate(wishes, options).outcome, "ok");
    return this;
  }

  tryAllocate(wishes: AllocateWishes = {}, options: AskOptions = {}): Reply {
    const reply = this.ask(METHOD.allocate, (builder) => addWishes(builder, wishes), options);
    if (reply.outcome === "ok" && reply.message !== undefined) this.relayedAddresses = relayedIn(reply.message);
    return reply;
  }

  refresh(wishes: { readonly lifetime?: number; readonly family?: 4 | 6 } = {}, options: AskOptions = {}): Reply {
    const fill: Fill = (builder) => {
      if (wishes.lifetime !== undefined) builder.add(ATTRIBUTE.lifetime, wishes.lifetime);
      if (wishes.family !== undefined) builder.add(ATTRIBUTE.requestedAddressFamily, wishes.family);
    };
    return this.ask(METHOD.refresh, fill, options);
  }

  createPermission(...peers: readonly string[]): Outcome {
    const fill: Fill = (builder) => {
      for (const peer of peers) builder.add(ATTRIBUTE.xorPeerAddress, parseAddress(peer));
    };
    return this.ask(METHOD.createPermission, fill).outcome;
  }

  channelBind(channel: number, peer: string): Outcome {
    return this.ask(METHOD.channelBind, (builder) =>
      builder.add(ATTRIBUTE.channelNumber, channel).add(ATTRIBUTE.xorPeerAddress, parseAddress(peer)),
    ).outcome;
  }

  /** Data by a Send indication. */
  sendTo(peer: string, text: string, fill?: Fill): void {
    const builder = new MessageBuilder(METHOD.send, CLASS.indication, this.#world.random.bytes(12))
      .add(ATTRIBUTE.xorPeerAddress, parseAddress(peer))
      .add(ATTRIBUTE.data, new TextEncoder().encode(text));
    fill?.(builder);
    this.transmit(builder.build());
  }

  /** Data by ChannelData. */
  sendOver(channel: number, text: string): void {
    const data = new TextEncoder().encode(text);
    const bytes = new Uint8Array(4 + data.length);
    writeChannelHeader(bytes, 0, channel, data.length);
    bytes.set(data, 4);
    this.transmit(bytes);
  }

  /** Data that has come since it was last asked. */
  received(): Received[] {
    return this.inbox.splice(0).flatMap(({ bytes }) => receivedIn(bytes));
  }

  /** One request with its answer; gets itself realm and nonce before, and a newer nonce on 438. */
  ask(method: number, fill: Fill = () => {}, options: AskOptions = {}): Reply {
    if (this.realm === "" && options.integrity !== "none") {
      this.#once(METHOD.allocate, (builder) => builder.add(ATTRIBUTE.requestedTransport, UDP), { integrity: "none" });
    }
    const reply = this.#once(method, fill, options);
    return reply.outcome === 438 && options.retry !== false ? this.#once(method, fill, options) : reply;
  }

  /** The octets of a request. */
  build(method: number, fill: Fill, options: AskOptions): Uint8Array {
    const builder = new MessageBuilder(method, CLASS.request, options.transactionId ?? this.#world.random.bytes(12));
    fill(builder);
    if (options.integrity !== "none") this.#prove(builder, options);
    if (options.fingerprint === true) builder.fingerprint();
    return builder.build();
  }

  /** Octets to the server. */
  transmit(bytes: Uint8Array): void {
    this.#world.fromClient(this.from, bytes);
  }

  /** Octets to the server, and the STUN messages that come back at once. */
  exchange(bytes: Uint8Array): Message[] {
    this.inbox.length = 0;
    this.transmit(bytes);
    return this.inbox.splice(0).flatMap(({ bytes: answer }) => Message.decode(answer) ?? []);
  }

  /** The stream goes, from this end. */
  disconnect(): void {
    this.#world.handle({ kind: "clientClosed", from: this.from });
  }

  deliver(bytes: Uint8Array, source?: TransportAddress): void {
    this.inbox.push({ bytes: bytes.slice(), source });
  }

  close(): void {
    this.isClosed = true;
  }

  #prove(builder: MessageBuilder, options: AskOptions): void {
    const { without = [], username = this.username, algorithm } = options;
    if (!without.includes("username")) builder.add(ATTRIBUTE.username, username);
    if (!without.includes("realm")) builder.add(ATTRIBUTE.realm, this.realm);
    if (!without.includes("nonce")) builder.add(ATTRIBUTE.nonce, options.nonce ?? this.nonce ?? new Uint8Array(0));
    if (algorithm !== undefined) {
      const offered = [PASSWORD_ALGORITHM.sha256, PASSWORD_ALGORITHM.md5];
      const entry = (number: number) => ({ algorithm: number, parameters: new Uint8Array(0) });
      builder.add(ATTRIBUTE.passwordAlgorithms, offered.map(entry));
      builder.add(ATTRIBUTE.passwordAlgorithm, entry(PASSWORD_ALGORITHM[algorithm]));
    }
    const key = this.#key(options);
    if (options.integrity === "sha256") builder.signSha256(key);
    else builder.sign(key);
  }

  #key({ username = this.username, password = passwordOf(username), algorithm }: AskOptions): Uint8Array {
    return (algorithm === "sha256" ? longTermKeySha256 : longTermKey)(username, this.realm, password);
  }

  #once(method: number, fill: Fill, options: AskOptions): Reply {
    const bytes = this.build(method, fill, options);
    this.lastRequest = { bytes, nonceAt: this.#nonceAt };
    const before = this.inbox.length;
    this.transmit(bytes);
    const mine = this.inbox.splice(before).flatMap(({ bytes: answer }) => Message.decode(answer) ?? []);
    const message = mine.find(({ class: kind }) => kind !== CLASS.indication);
    if (message === undefined) return { outcome: "silence", message };
    assert.deepEqual(message.transactionId, bytes.slice(8, 20));
    assert.equal(message.method, method);
    if (message.nonce !== undefined) {
      this.nonce = message.nonce.slice();
      this.#nonceAt = this.#world.seconds;
    }
    if (message.realm !== undefined) this.realm = message.realm;
    if (message.class === CLASS.error) return { outcome: message.errorCode?.code ?? 0, message };
    if (method !== METHOD.binding) this.#assertSigned(message, options);
    return { outcome: "ok", message };
  }

  #assertSigned(message: Message, options: AskOptions): void {
    const verify = options.integrity === "sha256" ? verifyIntegritySha256 : verifyIntegrity;
    assert.ok(verify(message, this.#key(options)), "a success is signed with the client's key");
  }
}

/** The relayed addresses of an Allocate's answer, in their order. */
export function relayedIn(message: Message): TransportAddress[] {
  const { type, codec } = ATTRIBUTE.xorRelayedAddress;
  return message.offsets.flatMap((offset) => {
    const isIt = ((message.bytes[offset] ?? 0) << 8) + (message.bytes[offset + 1] ?? 0) === type;
    return (isIt && codec.decode(message.valueAt(offset), message.transactionId)) || [];
  });
}

function addWishes(builder: MessageBuilder, wishes: AllocateWishes): void {
  builder.add(ATTRIBUTE.requestedTransport, wishes.tcp === true ? TCP : UDP);
  if (wishes.mobile === true) builder.add(ATTRIBUTE.mobilityTicket, new Uint8Array(0));
  if (wishes.lifetime !== undefined) builder.add(ATTRIBUTE.lifetime, wishes.lifetime);
  if (wishes.family !== undefined) builder.add(ATTRIBUTE.requestedAddressFamily, wishes.family);
  if (wishes.dual === true) builder.add(ATTRIBUTE.additionalAddressFamily, 6);
  if (wishes.evenPort !== undefined) builder.add(ATTRIBUTE.evenPort, wishes.evenPort);
  if (wishes.token !== undefined) builder.add(ATTRIBUTE.reservationToken, wishes.token);
  if (wishes.dontFragment === true) builder.add(ATTRIBUTE.dontFragment, true);
}

/** Data in a ChannelData frame or a Data indication; nothing for anything else. */
function receivedIn(bytes: Uint8Array): Received[] {
  const decoder = new TextDecoder();
  if ((bytes[0] ?? 0) >= 0x40) {
    const length = channelDataLength(bytes, 0, bytes.length);
    return [{ channel: channelOf(bytes, 0), text: decoder.decode(bytes.subarray(4, 4 + length)) }];
  }
  const { method, xorPeerAddress: peer, data } = Message.decode(bytes) ?? {};
  if (method !== METHOD.data || peer === undefined || data === undefined) return [];
  return [{ peer: formatAddress(peer), text: decoder.decode(data) }];
}
