import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import type { TransportAddress } from "../../net/address.ts";
import { formatIp } from "../../net/ip.ts";
import { SocketAddress } from "../../net/socket-address.ts";
import type { PlaneCounters } from "../plane.ts";
import type { DatagramSockets, OnDatagram, SocketNumber } from "./datagram-sockets.ts";

/** Gives back a descriptor that cannot be used here. */
export type CloseDescriptor = (descriptor: number) => void;

interface Own {
  readonly socket: Socket;
  readonly address: TransportAddress;
  /** Datagrams on their way to the system: it is told of them a little later than we are asked. */
  sending: number;
  retired: boolean;
}

/** Sockets of `node:dgram` alone, where it takes no descriptors or where there is no native code: no DF, no ICMP errors. */
export class OwnSockets implements DatagramSockets {
  readonly #counters: PlaneCounters;
  readonly #onDatagram: OnDatagram;
  readonly #closeDescriptor: CloseDescriptor;
  readonly #sockets = new Map<SocketNumber, Own>();
  readonly #unbound = new Set<Socket>();
  readonly #names = new Map<string, string>();
  #next = 0;

  constructor(counters: PlaneCounters, onDatagram: OnDatagram, closeDescriptor: CloseDescriptor) {
    this.#counters = counters;
    this.#onDatagram = onDatagram;
    this.#closeDescriptor = closeDescriptor;
  }

  get ready(): boolean {
    return this.#unbound.size === 0;
  }

  /** The descriptor has kept the port so far; it is closed and the port bound anew. */
  open(descriptor: number, address: TransportAddress): SocketNumber {
    if (descriptor >= 0) this.#closeDescriptor(descriptor);
    const number = this.#next++;
    const socket = address.ip.family === 4 ? createSocket({ type: "udp4" }) : createSocket({ type: "udp6", ipv6Only: true });
    this.#unbound.add(socket);
    const bound = (): boolean => this.#unbound.delete(socket);
    socket.on("message", (bytes, from) => {
      if (this.#sockets.get(number)?.socket === socket) this.#onDatagram(number, bytes, from);
    });
    socket.on("listening", bound);
    socket.on("close", bound);
    socket.on("error", bound);
    socket.bind(address.port, formatIp(address.ip));
    this.#sockets.set(number, { socket, address, sending: 0, retired: false });
    return number;
  }

  close(socket: SocketNumber): void {
    const own = this.#sockets.get(socket);
    if (own === undefined) return;
    this.#sockets.delete(socket);
    own.retired = true;
    closeIfDone(own);
  }

  readonly releases = false;

  release(): undefined {
    return undefined;
  }

  addressOf(socket: SocketNumber): TransportAddress | undefined {
    return this.#sockets.get(socket)?.address;
  }

  send(number: SocketNumber, to: SocketAddress, bytes: Uint8Array, offset: number, length: number): void {
    const own = this.#sockets.get(number);
    if (own?.address.ip.family !== to.family || to.port === 0) {
      this.#counters.sendDrops++;
      return;
    }
    // A copy: where sending takes its time, the turn's memory is used again before.
    this.#attempt(own, Buffer.from(bytes.subarray(offset, offset + length)), to.port, this.#nameOf(to), true);
  }

  /** The first failure is likely about an earlier datagram to somebody else, so there is a second attempt. */
  #attempt(own: Own, datagram: Buffer, port: number, host: string, again: boolean): void {
    own.sending++;
    const ended = (failure: Error | null): void => {
      if (failure !== null && again) this.#attempt(own, datagram, port, host, false);
      else if (failure !== null) this.#counters.sendDrops++;
      own.sending--;
      closeIfDone(own);
    };
    try {
      own.socket.send(datagram, port, host, ended);
    } catch (failure) {
      ended(failure instanceof Error ? failure : new Error(String(failure)));
    }
  }

  #nameOf({ family, word0, word1, word2, word3 }: SocketAddress): string {
    const key = String.fromCharCode(...[word0, word1, word2, word3].flatMap((word) => [word >>> 16, word & 0xffff]), family);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    if (this.#names.size >= MOST_NAMES) this.#names.clear();
    const address = new SocketAddress();
    Object.assign(address, { family, word0, word1, word2, word3 });
    const name = formatIp(address.toAddress().ip);
    this.#names.set(key, name);
    return name;
  }

  flush(): void {}

  closeAll(): void {
    for (const number of [...this.#sockets.keys()]) this.close(number);
  }
}

function closeIfDone({ socket, retired, sending }: Own): void {
  if (retired && sending === 0) socket.close();
}

const MOST_NAMES = 4096;
