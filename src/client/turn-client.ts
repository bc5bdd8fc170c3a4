import { readUint16 } from "../lib/bytes.ts";
import { Deadlines, NO_DEADLINE, type Timed } from "../lib/deadlines.ts";
import type { Random } from "../lib/random.ts";
import type { TransportAddress } from "../net/address.ts";
import { ATTRIBUTE } from "../stun/attributes.ts";
import { CHANNEL_HEADER_BYTES, isChannelNumber, writeChannelHeader } from "../stun/channel-data.ts";
import { CLASS, METHOD } from "../stun/header.ts";
import { longTermKey, verifyIntegrity } from "../stun/integrity.ts";
import { Message, MessageBuilder } from "../stun/message.ts";
import type { Answer, ClientInput, ClientOutput, TurnRequest } from "./dialogue.ts";
import { encodeRequest, type Proof } from "./encode-request.ts";

/** The first retransmission of a request over UDP comes after this, each next after twice as long (RFC 8489 §6.2.1). */
const INITIAL_TIMEOUT_MS = 500;
/** Rc: how often a request is sent over UDP. */
const TRANSMISSIONS = 7;
/** Rm: the last transmission is given up after so many initial time-outs. */
const LAST_WAIT_FACTOR = 16;
/** Ti: a request over a stream is given up after this (RFC 8489 §6.2.2). */
const STREAM_TIMEOUT_MS = 39_500;
const TRANSACTION_ID_BYTES = 12;

/** What a client must be told. */
export interface TurnClientOptions {
  /** Streams carry each request once, and pad ChannelData to four octets. */
  readonly transport: "udp" | "stream";
  /** The long-term credential; without it a challenge ends the request. */
  readonly credentials?: { readonly username: string; readonly credential: string } | undefined;
  readonly random: Random;
  /** The first retransmission time-out; tests on loopback make it shorter. */
  readonly initialTimeoutMs?: number | undefined;
}

/** One request on its way: its octets are kept, for a retransmission is the same message. */
interface Transaction extends Timed {
  readonly id: number;
  readonly request: TurnRequest;
  readonly bytes: Uint8Array;
  /** The key it was signed with; `undefined` while nothing is known to sign with. */
  readonly key: Uint8Array | undefined;
  /** Authentication answers so far: each makes a new transaction, and a second 401 or third 438 is final. */
  readonly challenges: number;
  sent: number;
}

/**
 * The client end of STUN and TURN: RFC 8489 and 8656 without sockets or clock.
 *
 * Like the engine, everything comes in as an argument and goes out as a value. Times are milliseconds of any one
 * clock. Requests may overlap; each is answered once, by success, refusal or time-out.
 */
export class TurnClient {
  readonly #options: TurnClientOptions;
  readonly #transactions = new Map<string, Transaction>();
  readonly #deadlines = new Deadlines<Transaction>();
  readonly #peerOfChannel = new Map<number, TransportAddress>();
  #proof: Proof | undefined;

  constructor(options: TurnClientOptions) {
    this.#options = options;
  }

  /** When `timeout` is due, or `undefined` while nothing waits. */
  get nextDeadline(): number | undefined {
    return this.#deadlines.next;
  }

  /** One step: what happened goes in, all there is to do comes out. */
  handle(input: ClientInput, nowMs: number): readonly ClientOutput[] {
    switch (input.kind) {
      case "ask":
        return [this.#begin(input.id, input.request, 0, nowMs)];
      case "received":
        return this.#received(input.bytes, nowMs);
      case "timeout":
        return this.#timeout(nowMs);
    }
  }

  /** Data to a peer by a Send indication (RFC 8656 §11.1); nobody confirms it. */
  sendIndication(peer: TransportAddress, bytes: Uint8Array, dontFragment = false): Uint8Array {
    const message = new MessageBuilder(METHOD.send, CLASS.indication, this.#options.random.bytes(TRANSACTION_ID_BYTES));
    message.add(ATTRIBUTE.xorPeerAddress, peer);
    if (dontFragment) message.add(ATTRIBUTE.dontFragment, true);
    return message.add(ATTRIBUTE.data, bytes).build();
  }

  /** Data to the peer of a bound channel as ChannelData (RFC 8656 §12.4), padded where the transport is a stream. */
  channelData(channel: number, bytes: Uint8Array): Uint8Array {
    const length = CHANNEL_HEADER_BYTES + bytes.length;
    const frame = new Uint8Array(this.#options.transport === "udp" ? length : (length + 3) & ~3);
    writeChannelHeader(frame, 0, channel, bytes.length);
    frame.set(bytes, CHANNEL_HEADER_BYTES);
    return frame;
  }

  /** Takes over a channel of an allocation that was bound from another address, before it moved (RFC 8016). */
  knowChannel(channel: number, peer: TransportAddress): void {
    this.#peerOfChannel.set(channel, peer);
  }

  #begin(id: number, request: TurnRequest, challenges: number, nowMs: number): ClientOutput {
    const transactionId = this.#options.random.bytes(TRANSACTION_ID_BYTES);
    const proof = request.kind === "challenge" || request.kind === "binding" ? undefined : this.#proof;
    const bytes = encodeRequest(request, transactionId, proof);
    const transaction = { id, request, bytes, key: proof?.key, challenges, sent: 1, dueMs: NO_DEADLINE };
    this.#transactions.set(String.fromCharCode(...transactionId), transaction);
    this.#deadlines.set(transaction, nowMs + this.#waitAfter(1));
    return { kind: "transmit", bytes };
  }

  /** How long to wait after the n-th transmission. */
  #waitAfter(sent: number): number {
    if (this.#options.transport === "stream") return STREAM_TIMEOUT_MS;
    const initial = this.#options.initialTimeoutMs ?? INITIAL_TIMEOUT_MS;
    return sent < TRANSMISSIONS ? initial * 2 ** (sent - 1) : initial * LAST_WAIT_FACTOR;
  }

  #timeout(nowMs: number): readonly ClientOutput[] {
    const outputs: ClientOutput[] = [];
    for (let due = this.#deadlines.take(nowMs); due !== undefined; due = this.#deadlines.take(nowMs)) {
      if (this.#options.transport === "stream" || due.sent === TRANSMISSIONS) {
        this.#forget(due);
        outputs.push({ kind: "answer", id: due.id, answer: { kind: "timeout" } });
        continue;
      }
      due.sent += 1;
      this.#deadlines.set(due, nowMs + this.#waitAfter(due.sent));
      outputs.push({ kind: "transmit", bytes: due.bytes });
    }
    return outputs;
  }

  #received(bytes: Uint8Array, nowMs: number): readonly ClientOutput[] {
    if (isChannelNumber(readUint16(bytes, 0))) return this.#channelData(bytes);
    const message = Message.decode(bytes);
    if (message === undefined) return [];
    if (message.class === CLASS.indication) return indicated(message);
    const transaction = this.#transactions.get(String.fromCharCode(...message.transactionId));
    if (transaction === undefined || message.method !== methodOf(transaction.request)) return [];
    if (message.class === CLASS.success) return this.#succeeded(transaction, message);
    return message.class === CLASS.error ? this.#refused(transaction, message, nowMs) : [];
  }

  #channelData(frame: Uint8Array): readonly ClientOutput[] {
    const channel = readUint16(frame, 0);
    const peer = this.#peerOfChannel.get(channel);
    const end = CHANNEL_HEADER_BYTES + readUint16(frame, 2);
    if (peer === undefined || end > frame.length) return [];
    return [{ kind: "data", peer, channel, bytes: new Uint8Array(frame.subarray(CHANNEL_HEADER_BYTES, end)) }];
  }

  /** A success to a signed request proves itself, or is no answer (RFC 8489 §9.2.5). */
  #succeeded(transaction: Transaction, message: Message): readonly ClientOutput[] {
    if (transaction.key !== undefined && !verifyIntegrity(message, transaction.key)) return [];
    this.#forget(transaction);
    const { request, id } = transaction;
    if (request.kind === "channelBind") this.#peerOfChannel.set(request.channel, request.peer);
    return [{ kind: "answer", id, answer: successOf(message) }];
  }

  #refused(transaction: Transaction, message: Message, nowMs: number): readonly ClientOutput[] {
    const error = message.errorCode;
    if (error === undefined) return [];
    this.#forget(transaction);
    const { id, request, challenges } = transaction;
    if ((error.code === 401 || error.code === 438) && this.#learn(message)) {
      if (request.kind === "challenge") return [{ kind: "answer", id, answer: successOf(message) }];
      const final = this.#proof === undefined || (error.code === 401 ? transaction.key !== undefined : challenges > 2);
      if (!final) return [this.#begin(id, request, challenges + 1, nowMs)];
    }
    return [{ kind: "answer", id, answer: { kind: "refused", ...error, alternateServer: message.alternateServer } }];
  }

  /** Takes realm and nonce of a challenge. @returns whether there were both */
  #learn({ realm, nonce }: Message): boolean {
    if (realm === undefined || nonce === undefined) return false;
    const { credentials } = this.#options;
    if (credentials === undefined) return true;
    const key = longTermKey(credentials.username, realm, credentials.credential);
    this.#proof = { username: credentials.username, realm, nonce: new Uint8Array(nonce), key };
    return true;
  }

  #forget(transaction: Transaction): void {
    this.#deadlines.delete(transaction);
    const transactionId = transaction.bytes.subarray(8, 8 + TRANSACTION_ID_BYTES);
    this.#transactions.delete(String.fromCharCode(...transactionId));
  }
}

function methodOf({ kind }: TurnRequest): number {
  return kind === "challenge" ? METHOD.allocate : METHOD[kind];
}

function indicated(message: Message): readonly ClientOutput[] {
  const { xorPeerAddress: peer, data, connectionId: connection } = message;
  if (message.method === METHOD.connectionAttempt && peer !== undefined && connection !== undefined) {
    return [{ kind: "attempt", peer, connection }];
  }
  if (message.method !== METHOD.data || peer === undefined || data === undefined) return [];
  return [{ kind: "data", peer, channel: undefined, bytes: new Uint8Array(data) }];
}

function successOf(message: Message): Answer {
  return {
    kind: "success",
    mappedAddress: message.xorMappedAddress,
    relayedAddresses: relayedAddresses(message),
    lifetimeSeconds: message.lifetime,
    reservationToken: message.reservationToken && new Uint8Array(message.reservationToken),
    mobilityTicket: message.mobilityTicket && new Uint8Array(message.mobilityTicket),
    connection: message.connectionId,
    bound: message.method === METHOD.connectionBind,
    software: message.software,
  };
}

/** Every XOR-RELAYED-ADDRESS: a dual allocation has two (RFC 8656 §7.3). */
function relayedAddresses(message: Message): readonly TransportAddress[] {
  const { type, codec } = ATTRIBUTE.xorRelayedAddress;
  return message.offsets.flatMap((offset) => {
    if (readUint16(message.bytes, offset) !== type) return [];
    return codec.decode(message.valueAt(offset), message.transactionId) ?? [];
  });
}
