import type { RemoteInfo } from "node:dgram";
import type { TransportAddress } from "../../net/address.ts";
import type { SocketAddress } from "../../net/socket-address.ts";

/** The number of a socket within its plane: a listener's, or a relay's id. */
export type SocketNumber = number;

/** Told of each datagram. The octets are the receiver's only until it returns. */
export type OnDatagram = (socket: SocketNumber, bytes: Uint8Array, from: RemoteInfo) => void;

/** The sockets of a portable plane, in one of two ways: adopted from the C library, or `node:dgram`'s own. */
export interface DatagramSockets {
  /** Adds a socket; `descriptor` is -1 where none was opened, or the plane's from now on. */
  open(descriptor: number, address: TransportAddress): SocketNumber;
  /** Stops hearing of a socket at once; what it has to send leaves before it is closed. */
  close(socket: SocketNumber): void;
  /** Whether {@link release} works here. */
  readonly releases: boolean;
  /** Forgets a socket and leaves it open; its descriptor, or `undefined` if there is none for it: nothing is done then. */
  release(socket: SocketNumber): number | undefined;
  addressOf(socket: SocketNumber): TransportAddress | undefined;
  /** Never throws for what cannot be sent; it is counted. */
  send(socket: SocketNumber, to: SocketAddress, bytes: Uint8Array, offset: number, length: number, dontFragment: boolean): void;
  /** Sends what waits, and closes what is closed. */
  flush(): void;
  /** Whether every socket hears by now. */
  readonly ready: boolean;
  closeAll(): void;
}
