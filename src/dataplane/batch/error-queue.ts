import { SocketAddress } from "../../net/socket-address.ts";
import { IP_RECVERR, IPPROTO_IP, IPPROTO_IPV6, IPV6_RECVERR, type Libc, MSG_DONTWAIT, MSG_ERRQUEUE } from "../libc.ts";
import type { Arena } from "./arena.ts";
import {
  errorCode,
  errorErrno,
  errorInfo,
  errorOrigin,
  errorType,
  findError,
  HEADER_BYTES,
  IOVEC_BYTES,
  NAME_BYTES,
  readName,
  writeHeader,
  writeIovec,
  writeLengths,
} from "./messages.ts";

/** An ICMP error about a datagram of ours, as its receiver sees it. */
export type OnError = (peer: SocketAddress, type: number, code: number, data: number) => void;

const SLOTS = 16;
const CONTROL_BYTES = 256;
/** Of the datagram that failed only the destination matters. */
const PAYLOAD_BYTES = 8;

const FROM_US = 1;
const FROM_ICMP = 2;
const FROM_ICMPV6 = 3;
const EMSGSIZE = 90;
/** "Fragmentation needed" of ICMP and "packet too big" of ICMPv6: what our own kernel means by EMSGSIZE. */
const FRAGMENTATION_NEEDED = { type: 3, code: 4 };
const PACKET_TOO_BIG = { type: 2, code: 0 };

/** Reads what the kernel keeps about datagrams that did not arrive (IP_RECVERR). */
export class ErrorQueue {
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #headers: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #peer = new SocketAddress();

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#arena = arena;
    this.#headers = arena.take(SLOTS * HEADER_BYTES, 64);
    this.#names = arena.take(SLOTS * NAME_BYTES, 64);
    this.#controls = arena.take(SLOTS * CONTROL_BYTES, 64);
    const iovec = arena.take(IOVEC_BYTES, 64);
    writeIovec(arena, iovec, arena.take(PAYLOAD_BYTES, 64), PAYLOAD_BYTES);
    for (let slot = 0; slot < SLOTS; slot++) {
      const [name, control] = [this.#names + slot * NAME_BYTES, this.#controls + slot * CONTROL_BYTES];
      writeHeader(arena, this.#headers + slot * HEADER_BYTES, name, iovec, 1, control);
    }
  }

  /** How many octets of an arena it takes. */
  static readonly bytes = SLOTS * (HEADER_BYTES + NAME_BYTES + CONTROL_BYTES) + 6 * 64;

  /** Takes a few errors of a socket; the rest keeps it ready for the next turn. */
  read(descriptor: number, onError: OnError): void {
    const { view, address } = this.#arena;
    for (let slot = 0; slot < SLOTS; slot++) {
      writeLengths(view, this.#headers + slot * HEADER_BYTES, NAME_BYTES, CONTROL_BYTES);
    }
    const flags = MSG_ERRQUEUE | MSG_DONTWAIT;
    const count = this.#libc.recvmmsg(descriptor, address + this.#headers, SLOTS, flags, 0);
    for (let slot = 0; slot < count; slot++) this.#tell(slot, onError);
  }

  #tell(slot: number, onError: OnError): void {
    const { view } = this.#arena;
    const header = this.#headers + slot * HEADER_BYTES;
    const control = this.#controls + slot * CONTROL_BYTES;
    let error = findError(view, header, control, IPPROTO_IP, IP_RECVERR);
    if (error < 0) error = findError(view, header, control, IPPROTO_IPV6, IPV6_RECVERR);
    if (error < 0) return;
    const peer = this.#peer;
    readName(view, this.#names + slot * NAME_BYTES, peer);
    const tooBig = peer.family === 4 ? FRAGMENTATION_NEEDED : PACKET_TOO_BIG;
    const origin = errorOrigin(view, error);
    if (origin === FROM_ICMP || origin === FROM_ICMPV6) {
      const [type, code] = [errorType(view, error), errorCode(view, error)];
      onError(peer, type, code, type === tooBig.type && code === tooBig.code ? errorInfo(view, error) : 0);
    } else if (origin === FROM_US && errorErrno(view, error) === EMSGSIZE && peer.port !== 0) {
      // On IPv4 the kernel does not say which port it was meant for: then there is no peer to tell of.
      onError(peer, tooBig.type, tooBig.code, errorInfo(view, error));
    }
  }
}
