import { randomBytes } from "node:crypto";
import { type Line, openLine } from "../../../src/client/line.ts";
import { copyOf, fromHex, readUint16 } from "../../../src/lib/bytes.ts";
import { formatAddress, parseAddress, type Transport, type TransportAddress } from "../../../src/net/address.ts";
import { ATTRIBUTE, type Attribute } from "../../../src/stun/attributes.ts";
import { channelDataLength, channelOf, writeChannelHeader } from "../../../src/stun/channel-data.ts";
import { CLASS, METHOD } from "../../../src/stun/header.ts";
import { longTermKey } from "../../../src/stun/integrity.ts";
import { Message, MessageBuilder } from "../../../src/stun/message.ts";
import { addRaw } from "../turn-requests.ts";
import { UdpPeer } from "../udp-peer.ts";
import type { Dialogue, How, Method, Outcome, Parts, PeerName, Turn } from "./turn.ts";

/** A server that is spoken to, and two pairs that are good there. */
export interface Spoken {
  readonly server: TransportAddress;
  readonly pairs: readonly [Pair, Pair];
}

interface Pair {
  readonly username: string;
  readonly credential: string;
}

/** How long nothing must come for silence; a request is sent twice before that. */
const SILENCE_MS = 400;
/** How long a packet may be underway where none is expected to be lost. */
const UNDERWAY_MS = 250;
const METHODS: Readonly<Record<Method, number>> = {
  Binding: METHOD.binding,
  Allocate: METHOD.allocate,
  Refresh: METHOD.refresh,
  CreatePermission: METHOD.createPermission,
  ChannelBind: METHOD.channelBind,
};
const NAMES = new Map(Object.values<Attribute<unknown>>(ATTRIBUTE).map(({ type, name }) => [type, name]));
/** In every answer of one server, or of none. */
const EVERYWHERE: ReadonlySet<number> = new Set([ATTRIBUTE.software.type, ATTRIBUTE.fingerprint.type]);

/** Leads a dialogue with a server, from a socket of its own. @returns what came of each turn */
export async function speak(dialogue: Dialogue, spoken: Spoken, transport: Transport): Promise<readonly Outcome[]> {
  const speaker = await Speaker.open(spoken, transport);
  try {
    const outcomes: Outcome[] = [];
    for (const turn of dialogue.turns) outcomes.push(await speaker.take(turn));
    return outcomes;
  } finally {
    speaker.close();
  }
}

class Speaker {
  readonly #spoken: Spoken;
  /** Over streams ChannelData is padded (RFC 8656 §12.5). */
  readonly #pads: boolean;
  readonly #frames: Uint8Array[] = [];
  readonly #peers: Readonly<Record<"P1" | "P2" | "IPv6", UdpPeer>>;
  #line: Line | undefined;
  #wake: () => void = () => {};
  #realm = "";
  #nonce: Uint8Array = new Uint8Array(0);
  #token: Uint8Array = new Uint8Array(8);
  #relayed: readonly TransportAddress[] = [];
  #last: Uint8Array | undefined;

  private constructor(spoken: Spoken, pads: boolean, peers: Readonly<Record<"P1" | "P2" | "IPv6", UdpPeer>>) {
    this.#spoken = spoken;
    this.#pads = pads;
    this.#peers = peers;
  }

  static async open(spoken: Spoken, transport: Transport): Promise<Speaker> {
    const [P1, P2, IPv6] = await Promise.all([UdpPeer.open(), UdpPeer.open(), UdpPeer.open("::1")]);
    const speaker = new Speaker(spoken, transport !== "udp", { P1, P2, IPv6 });
    const handler = {
      frame: (bytes: Uint8Array) => {
        speaker.#frames.push(copyOf(bytes, 0));
        speaker.#wake();
      },
      lost: () => {},
    };
    speaker.#line = await openLine({ transport, server: spoken.server, connectTimeoutMs: 5000 }, handler);
    return speaker;
  }

  close(): void {
    this.#line?.close();
    for (const peer of Object.values(this.#peers)) peer.close();
  }

  async take(turn: Turn): Promise<Outcome> {
    if ("ask" in turn) return this.#ask(turn.ask, turn.has ?? {}, turn.how ?? {});
    if ("again" in turn) return this.#last === undefined ? silence() : this.#exchange(this.#last);
    if ("raw" in turn) return this.#exchange(fromHex(turn.raw));
    if ("hear" in turn) return this.#hear(turn.hear, turn.text);
    if ("send" in turn) {
      const indication = new MessageBuilder(METHOD.send, CLASS.indication, randomBytes(12)).add(
        ATTRIBUTE.xorPeerAddress,
        this.#address(turn.send),
      );
      if (turn.whole) indication.add(ATTRIBUTE.dontFragment, true);
      return this.#passes(indication.add(ATTRIBUTE.data, new TextEncoder().encode(turn.text)).build());
    }
    const data = new TextEncoder().encode(turn.text);
    const frame = new Uint8Array(4 + (this.#pads ? (data.length + 3) & ~3 : data.length));
    writeChannelHeader(frame, 0, turn.over, data.length);
    frame.set(data, 4);
    return this.#passes(frame);
  }

  async #ask(method: Method, has: Parts, how: How): Promise<Outcome> {
    if (this.#realm === "" && how.integrity !== "none") {
      await this.#exchange(this.#build("Allocate", { transport: 17 }, { integrity: "none" }));
    }
    this.#last = this.#build(method, has, how);
    const outcome = await this.#exchange(this.#last);
    if (outcome.what !== "438" || how.nonce !== undefined) return outcome;
    this.#last = this.#build(method, has, how);
    return this.#exchange(this.#last);
  }

  /** Sends a request, and once more if nothing comes. */
  async #exchange(bytes: Uint8Array): Promise<Outcome> {
    for (let tries = 0; tries < 2; tries++) {
      this.#line?.send(bytes);
      const answer = await this.#answerTo(bytes.subarray(8, 20));
      if (answer !== undefined) return this.#read(answer);
    }
    return silence();
  }

  async #answerTo(id: Uint8Array): Promise<Message | undefined> {
    const deadline = performance.now() + SILENCE_MS;
    for (;;) {
      for (const frame of this.#frames.splice(0)) {
        const message = (frame[0] ?? 0) < 0x40 ? Message.decode(frame) : undefined;
        if (message?.transactionId.every((octet, i) => octet === id[i])) return message;
      }
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      await this.#something(left);
    }
  }

  #read(message: Message): Outcome {
    if (message.nonce !== undefined) this.#nonce = copyOf(message.nonce, 0);
    if (message.realm !== undefined) this.#realm = message.realm;
    if (message.reservationToken !== undefined) this.#token = copyOf(message.reservationToken, 0);
    const relayed = message.offsets.flatMap((at) => {
      const isIt = readUint16(message.bytes, at) === ATTRIBUTE.xorRelayedAddress.type;
      return (isIt && ATTRIBUTE.xorRelayedAddress.codec.decode(message.valueAt(at), message.transactionId)) || [];
    });
    if (relayed.length > 0) this.#relayed = relayed;
    const types = [...new Set(message.offsets.map((at) => readUint16(message.bytes, at)))];
    const families = relayed.map(({ ip }) => `IPv${ip.family}`);
    return {
      what: message.class === CLASS.success ? "success" : `${message.errorCode?.code}`,
      attributes: types
        .filter((type) => !EVERYWHERE.has(type))
        .map((type) => NAMES.get(type) ?? `0x${type.toString(16)}`)
        .sort(),
      values: [
        ...(message.lifetime === undefined ? [] : [`LIFETIME ${message.lifetime}`]),
        ...(families.length === 0 ? [] : [`relayed ${families.join(" and ")}`]),
        ...(message.unknownAttributes === undefined ? [] : [`unknown ${message.unknownAttributes.join()}`]),
      ],
    };
  }

  /** Data that shall come out at a peer. */
  async #passes(bytes: Uint8Array): Promise<Outcome> {
    this.#line?.send(bytes);
    await this.#until(() => Object.values(this.#peers).some(({ received }) => received.length > 0));
    const arrived = Object.entries(this.#peers).flatMap(([name, peer]) => {
      peer.from.length = 0;
      return peer.received.splice(0).map((octets) => `${name} has "${new TextDecoder().decode(octets)}"`);
    });
    return { what: arrived.join(", ") || "dropped", attributes: [], values: [] };
  }

  async #hear(name: PeerName, text: string): Promise<Outcome> {
    const peer = name === "port 0" ? undefined : this.#peers[name];
    const to = this.#relayed.find(({ ip }) => ip.family === peer?.address.ip.family);
    if (peer === undefined || to === undefined) return { what: "nobody there", attributes: [], values: [] };
    this.#frames.length = 0;
    peer.send(to, new TextEncoder().encode(text));
    await this.#until(() => this.#frames.length > 0);
    const heard = this.#frames.splice(0).map((frame) => this.#describe(frame));
    return { what: heard.join(", ") || "dropped", attributes: [], values: [] };
  }

  #describe(frame: Uint8Array): string {
    const decoder = new TextDecoder();
    if ((frame[0] ?? 0) >= 0x40) {
      const length = channelDataLength(frame, 0, frame.length);
      return `channel ${channelOf(frame, 0)} "${decoder.decode(frame.subarray(4, 4 + length))}"`;
    }
    const { xorPeerAddress: from, data } = Message.decode(frame) ?? {};
    const known = Object.entries(this.#peers).find(
      ([, peer]) => from !== undefined && formatAddress(peer.address) === formatAddress(from),
    );
    return `indication of ${known?.[0] ?? "a stranger"} "${decoder.decode(data)}"`;
  }

  async #until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + UNDERWAY_MS;
    while (!condition() && performance.now() < deadline) await this.#something(5);
  }

  /** Waits for a frame, at most so long. */
  #something(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #build(method: Method, has: Parts, how: How): Uint8Array {
    const builder = new MessageBuilder(METHODS[method], CLASS.request, randomBytes(12));
    this.#add(builder, has);
    if (how.integrity !== "none") this.#prove(builder, how);
    if (how.fingerprint !== undefined) builder.fingerprint();
    const bytes = builder.build();
    if (how.fingerprint === "wrong") bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    return bytes;
  }

  #add(b: MessageBuilder, has: Parts): void {
    if (has.transport !== undefined) b.add(ATTRIBUTE.requestedTransport, has.transport);
    if (has.lifetime !== undefined) b.add(ATTRIBUTE.lifetime, has.lifetime);
    if (has.family !== undefined) b.add(ATTRIBUTE.requestedAddressFamily, has.family);
    if (has.additional !== undefined) b.add(ATTRIBUTE.additionalAddressFamily, has.additional);
    if (has.evenPort !== undefined) b.add(ATTRIBUTE.evenPort, { reserveNext: has.evenPort });
    if (has.token !== undefined)
      b.add(ATTRIBUTE.reservationToken, has.token === "given" ? this.#token : new Uint8Array(8).fill(7));
    if (has.dontFragment) b.add(ATTRIBUTE.dontFragment, true);
    if (has.channel !== undefined) b.add(ATTRIBUTE.channelNumber, has.channel);
    for (const peer of has.peers ?? []) b.add(ATTRIBUTE.xorPeerAddress, this.#address(peer));
    for (const [type, value] of has.raw ?? []) addRaw(b, type, ...fromHex(value));
  }

  #prove(builder: MessageBuilder, how: How): void {
    const [own, another] = this.#spoken.pairs;
    const { username, credential } = how.username === "another" ? another : own;
    const named = how.username === "unknown" ? "1:nobody" : username;
    const nonce =
      how.nonce === "strange"
        ? new TextEncoder().encode("AAAAAAAAAAAAAAAA")
        : how.nonce === "empty"
          ? new Uint8Array(0)
          : this.#nonce;
    const { without = [] } = how;
    if (!without.includes("username")) builder.add(ATTRIBUTE.username, named);
    if (!without.includes("realm")) builder.add(ATTRIBUTE.realm, this.#realm);
    if (!without.includes("nonce")) builder.add(ATTRIBUTE.nonce, nonce);
    const key = longTermKey(named, this.#realm, how.password === "wrong" ? "guess" : credential);
    if (how.integrity === "sha256") builder.signSha256(key);
    else builder.sign(key);
  }

  #address(name: PeerName): TransportAddress {
    return name === "port 0" ? parseAddress("127.0.0.1:0") : this.#peers[name].address;
  }
}

function silence(): Outcome {
  return { what: "silence", attributes: [], values: [] };
}
