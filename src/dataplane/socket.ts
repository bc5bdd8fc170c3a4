import type { TransportAddress } from "../net/address.ts";
import type { IpAddress } from "../net/ip.ts";
import { NAME_BYTES, readAddress, writeAddress } from "./batch/messages.ts";
import {
  AF_INET,
  AF_INET6,
  EAFNOSUPPORT,
  EALREADY,
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EINPROGRESS,
  EINTR,
  EISCONN,
  F_DUPFD_CLOEXEC,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_PMTUDISC_OMIT,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  type Libc,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SOL_UDP,
  SystemError,
  UDP_SEGMENT,
} from "./libc.ts";

/** How a UDP listener is opened. */
export interface UdpListenerOptions {
  /** An IPv6 wildcard takes IPv4 too. */
  readonly dualStack?: boolean;
  /** How much may wait for us, in octets; the kernel doubles it, and holds it to its own limit where we may not exceed that. */
  readonly receiveBufferBytes?: number;
}

/** How a TCP listener is opened. */
export interface TcpListenerOptions {
  readonly dualStack?: boolean;
  /** Connections that may wait to be accepted; 1024 if not given. */
  readonly backlog?: number;
}

/**
 * Opens a UDP socket that shares its port with others of ours. On a wildcard address it learns the address each
 * datagram came to.
 *
 * @throws {SystemError} EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE, … as the system says
 */
export function openUdpListener(libc: Libc, address: TransportAddress, options: UdpListenerOptions = {}): number {
  return open(libc, address, SOCK_DGRAM, (socket) => {
    set(libc, socket, SOL_SOCKET, SO_REUSEPORT, 1);
    if (address.ip.family === 6) set(libc, socket, IPPROTO_IPV6, IPV6_V6ONLY, options.dualStack ? 0 : 1);
    if (isWildcard(address)) {
      if (address.ip.family === 6) set(libc, socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
      else set(libc, socket, IPPROTO_IP, IP_PKTINFO, 1);
    }
    offer(libc, socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    const { receiveBufferBytes: bytes } = options;
    if (bytes !== undefined) {
      offer(libc, socket, SOL_SOCKET, SO_RCVBUFFORCE, bytes) || offer(libc, socket, SOL_SOCKET, SO_RCVBUF, bytes);
      // Answers to all clients leave through this one socket.
      offer(libc, socket, SOL_SOCKET, SO_SNDBUFFORCE, bytes) || offer(libc, socket, SOL_SOCKET, SO_SNDBUF, bytes);
    }
    bindTo(libc, socket, address);
  });
}

/**
 * Opens a listening TCP socket that shares its port with others of ours.
 *
 * @throws {SystemError} as {@link openUdpListener}
 */
export function openTcpListener(libc: Libc, address: TransportAddress, options: TcpListenerOptions = {}): number {
  return open(libc, address, SOCK_STREAM, (socket) => {
    set(libc, socket, SOL_SOCKET, SO_REUSEADDR, 1);
    set(libc, socket, SOL_SOCKET, SO_REUSEPORT, 1);
    if (address.ip.family === 6) set(libc, socket, IPPROTO_IPV6, IPV6_V6ONLY, options.dualStack ? 0 : 1);
    bindTo(libc, socket, address);
    if (libc.listen(socket, options.backlog ?? 1024) < 0) throw new SystemError("listen", libc.errno());
  });
}

/**
 * Opens the socket of a relayed port, which nobody shares: datagrams without DF, errors about them reported.
 *
 * @param address port 0 lets the system choose; {@link socketName} tells
 * @throws {SystemError} as {@link openUdpListener}
 */
export function openRelaySocket(libc: Libc, address: TransportAddress): number {
  return open(libc, address, SOCK_DGRAM, (socket) => {
    if (address.ip.family === 6) {
      set(libc, socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      set(libc, socket, IPPROTO_IPV6, IPV6_RECVERR, 1);
    } else {
      set(libc, socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
      set(libc, socket, IPPROTO_IP, IP_RECVERR, 1);
    }
    bindTo(libc, socket, address);
  });
}

/**
 * Opens a TCP connection from an address that we listen on, as TCP allocations have them; it is under way then.
 *
 * @throws {SystemError} if it fails at once
 */
export function openTcpConnection(libc: Libc, from: TransportAddress, to: TransportAddress): number {
  return open(libc, from, SOCK_STREAM, (socket) => {
    set(libc, socket, SOL_SOCKET, SO_REUSEADDR, 1);
    set(libc, socket, SOL_SOCKET, SO_REUSEPORT, 1);
    offer(libc, socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (from.ip.family === 6) set(libc, socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    bindTo(libc, socket, from);
    hasConnected(libc, socket, to);
  });
}

/**
 * How a connection under way is doing: asked again and again, it says `true` once, and not again.
 *
 * @throws {SystemError} that it has failed, and why
 */
export function hasConnected(libc: Libc, socket: number, to: TransportAddress): boolean {
  const { scratch } = libc;
  scratch.bytes.fill(0, 0, NAME_BYTES);
  const bytes = writeAddress(scratch.view, 0, to);
  if (libc.connect(socket, scratch.address, bytes) >= 0) return true;
  const errno = libc.errno();
  if (errno === EISCONN) return true;
  if (errno === EINPROGRESS || errno === EALREADY || errno === EINTR) return false;
  throw new SystemError("connect", errno);
}

/**
 * Holds that nobody listens at an address, which sockets that share their port would not notice.
 *
 * @throws {SystemError} EADDRINUSE if somebody does; else as {@link openUdpListener}
 */
export function assertFree(libc: Libc, address: TransportAddress, protocol: "udp" | "tcp", dualStack = false): void {
  const socket = open(libc, address, protocol === "udp" ? SOCK_DGRAM : SOCK_STREAM, (opened) => {
    // For TCP it lets a port be bound whose last connections still linger, never one that somebody listens on.
    if (protocol === "tcp") set(libc, opened, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.ip.family === 6) set(libc, opened, IPPROTO_IPV6, IPV6_V6ONLY, dualStack ? 0 : 1);
    bindTo(libc, opened, address);
  });
  close(libc, socket);
}

/**
 * The address a socket is bound to.
 *
 * @throws {SystemError}
 */
export function socketName(libc: Libc, socket: number): TransportAddress {
  const { scratch } = libc;
  scratch.view.setUint32(NAME_BYTES, NAME_BYTES, true);
  if (libc.getsockname(socket, scratch.address, scratch.address + NAME_BYTES) < 0)
    throw new SystemError("getsockname", libc.errno());
  return readAddress(scratch.view, 0);
}

/**
 * The address that the system would send from, by its routes; no packet is sent.
 *
 * @returns `undefined` without a route
 * @throws {SystemError} EMFILE, or what else keeps a socket from being opened where the family is there
 */
export function sourceTowards(libc: Libc, destination: TransportAddress): IpAddress | undefined {
  const { scratch } = libc;
  const socket = libc.socket(destination.ip.family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) {
    const errno = libc.errno();
    if (errno === EAFNOSUPPORT) return undefined;
    throw new SystemError("socket", errno);
  }
  scratch.bytes.fill(0, 0, NAME_BYTES);
  const bytes = writeAddress(scratch.view, 0, destination);
  const source = libc.connect(socket, scratch.address, bytes) < 0 ? undefined : socketName(libc, socket).ip;
  close(libc, socket);
  return source;
}

/** Closes a descriptor. There is no failure that leaves it open. */
export function close(libc: Libc, descriptor: number): void {
  libc.close(descriptor);
}

/** A second descriptor of the same socket; `undefined` if the system has none left. */
export function duplicate(libc: Libc, descriptor: number): number | undefined {
  const second = libc.fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return second < 0 ? undefined : second;
}

/** Opens an eventfd, by which one thread wakes another out of its poller. @throws {SystemError} */
export function openWake(libc: Libc): number {
  const descriptor = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0) throw new SystemError("eventfd", libc.errno());
  return descriptor;
}

/** Wakes whoever polls an eventfd, from any thread; many wakes before it looks are one. */
export function wake(libc: Libc, descriptor: number): void {
  const { scratch } = libc;
  scratch.view.setUint32(0, 1, true);
  scratch.view.setUint32(4, 0, true);
  while (libc.write(descriptor, scratch.address, 8) < 0 && libc.errno() === EINTR);
}

/** Takes the wakes of an eventfd, so that it is quiet until the next. */
export function quieten(libc: Libc, descriptor: number): void {
  while (libc.read(descriptor, libc.scratch.address, 8) < 0 && libc.errno() === EINTR);
}

/** Sets an option that a socket may lack; whether it took it. */
export function offer(libc: Libc, socket: number, level: number, option: number, value: number): boolean {
  const { scratch } = libc;
  scratch.view.setInt32(0, value, true);
  return libc.setsockopt(socket, level, option, scratch.address, 4) >= 0;
}

/** Whether the kernel cuts one message into many datagrams for us (UDP_SEGMENT, Linux 4.18). */
export function segmentsDatagrams(libc: Libc): boolean {
  const socket = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const does = offer(libc, socket, SOL_UDP, UDP_SEGMENT, 0);
  close(libc, socket);
  return does;
}

/** Whether an address stands for all of the host. */
export function isWildcard({ ip }: TransportAddress): boolean {
  return ip.octets.every((octet) => octet === 0);
}

function open(libc: Libc, { ip }: TransportAddress, type: number, prepare: (socket: number) => void): number {
  const socket = libc.socket(ip.family === 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) throw new SystemError("socket", libc.errno());
  try {
    prepare(socket);
  } catch (failure) {
    close(libc, socket);
    throw failure;
  }
  return socket;
}

function set(libc: Libc, socket: number, level: number, option: number, value: number): void {
  if (!offer(libc, socket, level, option, value)) throw new SystemError("setsockopt", libc.errno());
}

function bindTo(libc: Libc, socket: number, address: TransportAddress): void {
  const { scratch } = libc;
  scratch.bytes.fill(0, 0, NAME_BYTES);
  const bytes = writeAddress(scratch.view, 0, address);
  if (libc.bind(socket, scratch.address, bytes) < 0) throw new SystemError("bind", libc.errno());
}
