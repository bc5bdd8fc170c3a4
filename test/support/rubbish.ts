import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { MessageBuilder } from "../../src/stun/message.ts";

/** Octets that no honest client sends, by chance with a seed. */
export class Rubbish {
  #state: number;
  readonly #samples: readonly Uint8Array[];

  constructor(seed: number) {
    this.#state = seed >>> 0;
    this.#samples = samples();
  }

  /** A whole number below a limit (mulberry32: enough chance for rubbish). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  /** Octets without any sense, at least one. */
  octets(atMost: number): Uint8Array {
    const bytes = new Uint8Array(1 + this.below(atMost));
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** A message that was right once, or nothing of the kind. */
  datagram(): Uint8Array {
    const kind = this.below(8);
    if (kind === 0) return this.octets(64);
    const sample = this.#samples[this.below(this.#samples.length)] ?? new Uint8Array(1);
    return this.mutated(sample, kind);
  }

  /** A copy with some octets changed, cut off, or too many. */
  mutated(sample: Uint8Array, kind = 2 + this.below(6)): Uint8Array {
    if (kind === 1) return sample.slice(0, 1 + this.below(sample.length));
    const bytes = new Uint8Array(sample.length + (kind === 2 ? this.below(40) : 0));
    bytes.set(sample);
    for (let changes = 1 + this.below(4); changes > 0; changes--) bytes[this.below(bytes.length)] = this.below(256);
    return bytes;
  }
}

/** What clients send, to be spoiled. */
function samples(): Uint8Array[] {
  const peer = { ip: { family: 4, octets: Uint8Array.of(192, 0, 2, 1) }, port: 9 } as const;
  const request = (method: number): MessageBuilder => new MessageBuilder(method, CLASS.request, new Uint8Array(12).fill(7));
  const proven = (message: MessageBuilder): Uint8Array =>
    message
      .add(ATTRIBUTE.username, "1718200000:project_ab12")
      .add(ATTRIBUTE.realm, "relay.test")
      .add(ATTRIBUTE.nonce, new Uint8Array(40).fill(65))
      .sign(new Uint8Array(16))
      .fingerprint()
      .build();
  const send = new MessageBuilder(METHOD.send, CLASS.indication, new Uint8Array(12).fill(9));
  return [
    request(METHOD.binding).build(),
    request(METHOD.binding).add(ATTRIBUTE.software, "rubbish").fingerprint().build(),
    request(METHOD.allocate).add(ATTRIBUTE.requestedTransport, 17).build(),
    proven(request(METHOD.allocate).add(ATTRIBUTE.requestedTransport, 17).add(ATTRIBUTE.evenPort, { reserveNext: true })),
    proven(request(METHOD.refresh).add(ATTRIBUTE.lifetime, 600)),
    proven(request(METHOD.createPermission).add(ATTRIBUTE.xorPeerAddress, peer)),
    proven(request(METHOD.channelBind).add(ATTRIBUTE.channelNumber, 0x4000).add(ATTRIBUTE.xorPeerAddress, peer)),
    send.add(ATTRIBUTE.xorPeerAddress, peer).add(ATTRIBUTE.data, new Uint8Array(30)).build(),
    Uint8Array.from([0x40, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
  ];
}
