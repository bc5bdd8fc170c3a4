import { createSocket, type Socket } from "node:dgram";
import type { TransportAddress } from "../../net/address.ts";
import type { SocketAddress } from "../../net/socket-address.ts";
import { Arena } from "../batch/arena.ts";
import { LocalAddresses } from "../batch/local-addresses.ts";
import { SendBatch } from "../batch/send-batch.ts";
import { Sockets } from "../batch/sockets.ts";
import { IP_RECVERR, IPPROTO_IP, IPPROTO_IPV6, IPV6_RECVERR, type Libc } from "../libc.ts";
import type { PlaneCounters } from "../plane.ts";
import { duplicate, offer } from "../socket.ts";
import type { DatagramSockets, OnDatagram, SocketNumber } from "./datagram-sockets.ts";

const SHAPE = { messages: 512, scratchBytes: 512 * 1024 };

/** Sockets that `socket.ts` opened: `node:dgram` only reads them, and what a turn sends leaves in batches. */
export class AdoptedSockets implements DatagramSockets {
  readonly #libc: Libc;
  readonly #onDatagram: OnDatagram;
  readonly #sockets = new Sockets();
  readonly #send: SendBatch;
  readonly #readers = new Map<SocketNumber, Socket>();
  #waiting = 0;
  #retired: SocketNumber[] = [];

  constructor(libc: Libc, counters: PlaneCounters, onDatagram: OnDatagram) {
    this.#libc = libc;
    this.#onDatagram = onDatagram;
    const arena = new Arena(libc, SendBatch.bytes(SHAPE));
    this.#send = new SendBatch({ libc, arena, sockets: this.#sockets, locals: new LocalAddresses(), counters }, SHAPE);
  }

  get ready(): boolean {
    return this.#waiting === 0;
  }

  open(descriptor: number, address: TransportAddress): SocketNumber {
    const number = this.#sockets.add(descriptor, address);
    // The reader would take such errors for its own, and lose a datagram over each.
    if (address.ip.family === 4) offer(this.#libc, descriptor, IPPROTO_IP, IP_RECVERR, 0);
    else offer(this.#libc, descriptor, IPPROTO_IPV6, IPV6_RECVERR, 0);
    const reader = createSocket({ type: address.ip.family === 4 ? "udp4" : "udp6" });
    this.#readers.set(number, reader);
    this.#waiting++;
    let adopted = false;
    reader.on("message", (bytes, from) => {
      if (this.#readers.get(number) === reader && this.#sockets.isOpen(number)) this.#onDatagram(number, bytes, from);
    });
    reader.on("error", () => {});
    reader.on("listening", () => {
      adopted = true;
      this.#waiting--;
    });
    reader.on("close", () => {
      if (!adopted) this.#waiting--;
    });
    reader.bind({ fd: descriptor });
    return number;
  }

  close(socket: SocketNumber): void {
    if (this.#sockets.retire(socket)) this.#retired.push(socket);
  }

  readonly releases = true;

  release(socket: SocketNumber): number | undefined {
    // The reader closes its own descriptor: the socket lives on by another.
    const descriptor = duplicate(this.#libc, this.#sockets.descriptorOf(socket));
    if (descriptor !== undefined) this.#release(socket);
    return descriptor;
  }

  addressOf(socket: SocketNumber): TransportAddress | undefined {
    return this.#sockets.addressOf(socket);
  }

  send(socket: SocketNumber, to: SocketAddress, bytes: Uint8Array, offset: number, length: number, dontFragment: boolean): void {
    this.#send.add(socket, 0, to, bytes, offset, length, dontFragment);
  }

  flush(): void {
    this.#send.flush();
    for (const socket of this.#retired) this.#release(socket);
    this.#retired = [];
  }

  closeAll(): void {
    for (const socket of this.#readers.keys()) this.#release(socket);
  }

  #release(socket: SocketNumber): void {
    const reader = this.#readers.get(socket);
    this.#readers.delete(socket);
    this.#sockets.remove(socket);
    reader?.close();
  }
}
