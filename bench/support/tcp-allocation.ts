import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TransportAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { Framer } from "../../src/stun/framing.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { longTermKey } from "../../src/stun/integrity.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";
import type { Credentials } from "./load.ts";

const TCP = 6;
const ANSWER_MS = 5000;

/** A client with a TCP allocation (RFC 6062), which asks for connections to peers. */
export class TcpAllocation {
  readonly #socket: Socket;
  readonly #framer = new Framer();
  readonly #credentials: Credentials;
  #proof: { readonly realm: string; readonly nonce: Uint8Array } | undefined;

  private constructor(socket: Socket, credentials: Credentials) {
    this.#socket = socket;
    this.#credentials = credentials;
  }

  /** Allocates over TCP. @throws {Error} if that is refused */
  static async open(port: number, credentials: Credentials, family: 4 | 6): Promise<TcpAllocation> {
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect");
    const allocation = new TcpAllocation(socket, credentials);
    const allocate = (): Promise<number> =>
      allocation.#ask(METHOD.allocate, (message) =>
        message.add(ATTRIBUTE.requestedTransport, TCP).add(ATTRIBUTE.requestedAddressFamily, family),
      );
    await allocate();
    const code = await allocate();
    if (code !== 0) throw new Error(`A TCP allocation was refused: ${code}`);
    return allocation;
  }

  /** Asks for a connection. @returns the error code, or 0 for success */
  connect(peer: TransportAddress): Promise<number> {
    return this.#ask(METHOD.connect, (message) => message.add(ATTRIBUTE.xorPeerAddress, peer));
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(method: number, fill: (message: MessageBuilder) => MessageBuilder): Promise<number> {
    const message = fill(new MessageBuilder(method, CLASS.request, randomBytes(12)));
    if (this.#proof !== undefined) {
      const { username, credential } = this.#credentials;
      const { realm, nonce } = this.#proof;
      message.add(ATTRIBUTE.username, username).add(ATTRIBUTE.realm, realm).add(ATTRIBUTE.nonce, nonce);
      message.sign(longTermKey(username, realm, credential));
    }
    this.#socket.write(message.build());
    const { errorCode, realm, nonce } = await this.#answer();
    if (realm !== undefined && nonce !== undefined) this.#proof = { realm, nonce: nonce.slice() };
    return errorCode?.code ?? 0;
  }

  async #answer(): Promise<Message> {
    for (;;) {
      const frame = this.#framer.next();
      const message = frame && Message.decode(frame.bytes.slice(frame.offset, frame.offset + frame.length));
      if (message !== undefined && message.class !== CLASS.indication) return message;
      if (frame !== undefined) continue;
      const [bytes] = await once(this.#socket, "data", { signal: AbortSignal.timeout(ANSWER_MS) });
      this.#framer.push(new Uint8Array(bytes));
    }
  }
}
