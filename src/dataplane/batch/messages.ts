import type { TransportAddress } from "../../net/address.ts";
import { SocketAddress } from "../../net/socket-address.ts";
import {
  AF_INET,
  AF_INET6,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_DONTFRAG,
  IPV6_PKTINFO,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from "../libc.ts";
import type { Arena } from "./arena.ts";

/*
 * The structures of recvmmsg and sendmmsg on 64-bit little-endian Linux (x86-64 and arm64 alike):
 *
 *   mmsghdr   name@0 namelen@8 iov@16 iovlen@24 control@32 controllen@40 flags@48 len@56
 *   iovec     base@0 len@8
 *   cmsghdr   len@0 level@8 type@12 data@16, each aligned to 8
 *   sockaddr_in   family@0 port@2 (big-endian) address@4
 *   sockaddr_in6  family@0 port@2 (big-endian) flowinfo@4 address@8 scope@24
 *   in_pktinfo    ifindex@0 spec_dst@4 addr@8
 *   in6_pktinfo   address@0 ifindex@16
 *   sock_extended_err  errno@0 origin@4 type@5 code@6 info@8 data@12
 *
 * musl declares some of the lengths as 32 bits with padding behind; the padding stays zero here, so both readings agree.
 */

export const HEADER_BYTES = 64;
export const IOVEC_BYTES = 16;
/** A sockaddr_in6 is 28. */
export const NAME_BYTES = 32;
/** Room for the control messages of one datagram, either way: packet information, DF and segment size are 88 octets. */
export const CONTROL_BYTES = 96;

const CONTROL_HEADER_BYTES = 16;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
const MAPPED_PREFIX = 0xffff;

/** Points a message at its parts; what it received before is forgotten. */
export function writeHeader(arena: Arena, at: number, name: number, iovec: number, iovecs: number, control: number): void {
  const { view } = arena;
  arena.point(at, name);
  arena.point(at + 16, iovec);
  view.setUint32(at + 24, iovecs, true);
  arena.point(at + 32, control);
}

/** Says how long name and control are: their room before a receive, their use before a send. */
export function writeLengths(view: DataView, at: number, nameBytes: number, controlBytes: number): void {
  view.setUint32(at + 8, nameBytes, true);
  view.setUint32(at + 40, controlBytes, true);
}

/** Points an iovec at a piece of the arena. */
export function writeIovec(arena: Arena, at: number, offset: number, length: number): void {
  arena.point(at, offset);
  arena.view.setUint32(at + 8, length, true);
}

/** How many octets a received message holds. */
export function receivedLength(view: DataView, header: number): number {
  return view.getUint32(header + 56, true);
}

/** The flags of a received message, MSG_TRUNC among them. */
export function receivedFlags(view: DataView, header: number): number {
  return view.getInt32(header + 48, true);
}

/** Reads a sockaddr. IPv4-mapped IPv6 becomes the IPv4 it means. */
export function readName(view: DataView, at: number, into: SocketAddress): void {
  into.port = view.getUint16(at + 2);
  if (view.getUint16(at, true) === AF_INET6) {
    readIpv6(view, at + 8, into);
    into.scope = into.family === 6 ? view.getUint32(at + 24, true) : 0;
  } else {
    become(into, 4, view.getInt32(at + 4), 0, 0, 0);
    into.scope = 0;
  }
}

/**
 * Writes a sockaddr for a socket of one family; on an IPv6 socket IPv4 is written as mapped.
 *
 * @returns its length, or 0 if a socket of this family cannot reach the address
 */
export function writeName(view: DataView, at: number, family: 4 | 6, address: SocketAddress): number {
  view.setUint16(at, family === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(at + 2, address.port);
  if (family === 4) {
    if (address.family !== 4) return 0;
    view.setInt32(at + 4, address.word0);
    return SOCKADDR_IN_BYTES;
  }
  view.setInt32(at + 4, 0);
  writeIpv6(view, at + 8, address);
  view.setUint32(at + 24, address.scope, true);
  return SOCKADDR_IN6_BYTES;
}

/** Whether two names that {@link writeName} wrote for one socket are the same. */
export function equalNames(view: DataView, a: number, b: number, family: 4 | 6): boolean {
  if (view.getInt32(a) !== view.getInt32(b) || view.getInt32(a + 4) !== view.getInt32(b + 4)) return false;
  if (family === 4) return true;
  for (let i = 8; i < SOCKADDR_IN6_BYTES; i += 4) if (view.getInt32(a + i) !== view.getInt32(b + i)) return false;
  return true;
}

/** Writes a transport address as {@link writeName} does. */
export function writeAddress(view: DataView, at: number, address: TransportAddress): number {
  return writeName(view, at, address.ip.family, new SocketAddress().assign(address));
}

/** The transport address in a sockaddr, as {@link readName} reads it. */
export function readAddress(view: DataView, at: number): TransportAddress {
  const address = new SocketAddress();
  readName(view, at, address);
  return address.toAddress();
}

/**
 * Finds the local address a datagram came to among the control messages.
 *
 * @returns whether it is there; `scope` is then the interface of a link-local address, else 0
 */
export function readLocalAddress(view: DataView, header: number, control: number, into: SocketAddress): boolean {
  const end = control + view.getUint32(header + 40, true);
  for (let at = control; at + CONTROL_HEADER_BYTES <= end; at += aligned(view.getUint32(at, true))) {
    const length = view.getUint32(at, true);
    if (length < CONTROL_HEADER_BYTES) return false;
    const level = view.getInt32(at + 8, true);
    const type = view.getInt32(at + 12, true);
    const data = at + CONTROL_HEADER_BYTES;
    if (level === IPPROTO_IP && type === IP_PKTINFO) {
      become(into, 4, view.getInt32(data + 8), 0, 0, 0);
      into.scope = 0;
      return true;
    }
    if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
      readIpv6(view, data, into);
      into.scope = into.family === 6 && into.word0 >>> 22 === LINK_LOCAL ? view.getUint32(data + 16, true) : 0;
      return true;
    }
  }
  return false;
}

/** The size of the datagrams that a received message is a train of, the last one shorter maybe; 0 if it is a single one. */
export function readSegmentSize(view: DataView, header: number, control: number): number {
  const end = control + view.getUint32(header + 40, true);
  for (let at = control; at + CONTROL_HEADER_BYTES <= end; at += aligned(view.getUint32(at, true))) {
    if (view.getUint32(at, true) < CONTROL_HEADER_BYTES) return 0;
    if (view.getInt32(at + 8, true) === SOL_UDP && view.getInt32(at + 12, true) === UDP_GRO)
      return view.getInt32(at + CONTROL_HEADER_BYTES, true);
  }
  return 0;
}

/** The first ten bits of fe80::/10. */
const LINK_LOCAL = 0xfe80 >>> 6;

/** Adds the control message by which a datagram leaves from a local address; returns the end of it. */
export function writeLocalAddress(view: DataView, at: number, family: 4 | 6, local: SocketAddress): number {
  const data = at + CONTROL_HEADER_BYTES;
  if (family === 4) {
    writeControlHeader(view, at, 12, IPPROTO_IP, IP_PKTINFO);
    view.setUint32(data, 0, true);
    view.setInt32(data + 4, local.word0);
    view.setInt32(data + 8, 0);
    return at + aligned(CONTROL_HEADER_BYTES + 12);
  }
  writeControlHeader(view, at, 20, IPPROTO_IPV6, IPV6_PKTINFO);
  writeIpv6(view, data, local);
  view.setUint32(data + 16, local.scope, true);
  return at + aligned(CONTROL_HEADER_BYTES + 20);
}

/** Adds the control message that cuts one message into datagrams of a size; returns the end of it. */
export function writeSegmentSize(view: DataView, at: number, bytes: number): number {
  writeControlHeader(view, at, 2, SOL_UDP, UDP_SEGMENT);
  view.setUint32(at + CONTROL_HEADER_BYTES, bytes, true);
  return at + aligned(CONTROL_HEADER_BYTES + 2);
}

/** Adds the control message that keeps an IPv6 datagram whole; returns the end of it. */
export function writeDontFragment(view: DataView, at: number): number {
  writeControlHeader(view, at, 4, IPPROTO_IPV6, IPV6_DONTFRAG);
  view.setInt32(at + CONTROL_HEADER_BYTES, 1, true);
  return at + aligned(CONTROL_HEADER_BYTES + 4);
}

/** What the error queue says about a datagram of ours: an offset of its sock_extended_err, or -1 if there is none. */
export function findError(view: DataView, header: number, control: number, level: number, type: number): number {
  const end = control + view.getUint32(header + 40, true);
  for (let at = control; at + CONTROL_HEADER_BYTES <= end; at += aligned(view.getUint32(at, true))) {
    if (view.getUint32(at, true) < CONTROL_HEADER_BYTES) return -1;
    if (view.getInt32(at + 8, true) === level && view.getInt32(at + 12, true) === type) return at + CONTROL_HEADER_BYTES;
  }
  return -1;
}

/** Where the error arose: 1 here, 2 an ICMP message, 3 an ICMPv6 message. */
export const errorOrigin = (view: DataView, error: number): number => view.getUint8(error + 4);
export const errorType = (view: DataView, error: number): number => view.getUint8(error + 5);
export const errorCode = (view: DataView, error: number): number => view.getUint8(error + 6);
/** The MTU, for errors about size. */
export const errorInfo = (view: DataView, error: number): number => view.getUint32(error + 8, true);
export const errorErrno = (view: DataView, error: number): number => view.getUint32(error, true);

function writeControlHeader(view: DataView, at: number, dataBytes: number, level: number, type: number): void {
  view.setUint32(at, CONTROL_HEADER_BYTES + dataBytes, true);
  view.setUint32(at + 4, 0, true);
  view.setInt32(at + 8, level, true);
  view.setInt32(at + 12, type, true);
}

function readIpv6(view: DataView, at: number, into: SocketAddress): void {
  const word0 = view.getInt32(at);
  const word1 = view.getInt32(at + 4);
  const word2 = view.getInt32(at + 8);
  const word3 = view.getInt32(at + 12);
  if (word0 === 0 && word1 === 0 && word2 === MAPPED_PREFIX) become(into, 4, word3, 0, 0, 0);
  else become(into, 6, word0, word1, word2, word3);
}

function writeIpv6(view: DataView, at: number, address: SocketAddress): void {
  const mapped = address.family === 4;
  view.setInt32(at, mapped ? 0 : address.word0);
  view.setInt32(at + 4, mapped ? 0 : address.word1);
  view.setInt32(at + 8, mapped ? MAPPED_PREFIX : address.word2);
  view.setInt32(at + 12, mapped ? address.word0 : address.word3);
}

function become(into: SocketAddress, family: 4 | 6, word0: number, word1: number, word2: number, word3: number): void {
  into.family = family;
  into.word0 = word0;
  into.word1 = word1;
  into.word2 = word2;
  into.word3 = word3;
}

const aligned = (bytes: number): number => (bytes + 7) & ~7;
