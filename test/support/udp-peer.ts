import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import type { TransportAddress } from "../../src/net/address.ts";
import { formatIp, parseIp } from "../../src/net/ip.ts";

/** Whether this host speaks IPv6, if only to itself: a container often does not. */
export const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

/** The loopback addresses there are. */
export const loopbacks: readonly string[] = hasIpv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"];

/** A datagram socket of somebody else's making, that keeps what comes. */
export class UdpPeer {
  readonly received: Buffer[] = [];
  readonly from: string[] = [];
  readonly address: TransportAddress;
  readonly #socket: Socket;
  #sending: Promise<void> = Promise.resolve();

  private constructor(socket: Socket, address: TransportAddress) {
    this.#socket = socket;
    this.address = address;
  }

  /** Opens one at an address of this host, with room for thousands of small datagrams. @param port 0 for any */
  static async open(ip = "127.0.0.1", port = 0): Promise<UdpPeer> {
    const socket = createSocket({ type: ip.includes(":") ? "udp6" : "udp4", recvBufferSize: 4_000_000 });
    socket.bind(port, ip);
    await once(socket, "listening");
    const peer = new UdpPeer(socket, { ip: parseIp(ip), port: socket.address().port });
    socket.on("message", (bytes, { address, port }) => {
      peer.received.push(Buffer.from(bytes));
      peer.from.push(`${address}:${port}`);
    });
    socket.on("error", () => {});
    return peer;
  }

  /** An address where nobody is any more. */
  static async dead(ip = "127.0.0.1"): Promise<TransportAddress> {
    const peer = await UdpPeer.open(ip);
    const closed = once(peer.#socket, "close");
    peer.close();
    await closed;
    return peer.address;
  }

  /** Sends after what it was asked to send before. */
  send(to: TransportAddress, bytes: Uint8Array): void {
    const copy = Buffer.from(bytes);
    this.#sending = this.#sending.then(
      () => new Promise((sent) => this.#socket.send(copy, to.port, formatIp(to.ip), () => sent())),
    );
  }

  close(): void {
    this.#socket.close();
  }
}

/** Lets call-backs run until something holds. Fails after a deadline, with a word on what was awaited. */
export async function until(condition: () => boolean, what: string, step: () => void = () => {}): Promise<void> {
  const deadline = Date.now() + 4_000;
  for (let round = 0; !condition(); round++) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    step();
    // What is local comes within a few rounds of the loop; what takes longer is not waited for at full speed.
    await new Promise((resolve) => (round < 20 ? setImmediate(resolve) : setTimeout(resolve, 1)));
  }
}
