import {
  EINTR,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_DATA_OFFSET,
  EPOLL_EVENT_BYTES,
  EPOLLERR,
  EPOLLIN,
  type Libc,
  SystemError,
} from "../libc.ts";
import { close, openWake, quieten } from "../socket.ts";
import type { Arena } from "./arena.ts";

/** So many sockets are told of at once; the others wait for the next turn. */
const EVENTS = 256;
/** The number of our own eventfd. */
const WAKE = 0xffffffff;
const LONGEST_MS = 2 ** 31 - 1;

/** Which sockets have something, by epoll; and an eventfd by which other threads interrupt the wait. */
export class Poller {
  /** Write to it (`wake`) from any thread. */
  readonly wakeDescriptor: number;
  readonly #libc: Libc;
  readonly #arena: Arena;
  /** Readable, for another poller, while a socket is ready. */
  readonly descriptor: number;
  readonly #events: number;
  #ready = 0;
  #at = 0;

  /** @throws {SystemError} */
  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#arena = arena;
    this.#events = arena.take(EVENTS * EPOLL_EVENT_BYTES, 64);
    this.descriptor = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.descriptor < 0) throw new SystemError("epoll_create1", libc.errno());
    try {
      this.wakeDescriptor = openWake(libc);
      this.add(this.wakeDescriptor, WAKE);
    } catch (failure) {
      close(libc, this.descriptor);
      throw failure;
    }
  }

  /** How many octets of an arena it takes. */
  static readonly bytes = EVENTS * EPOLL_EVENT_BYTES + 64;

  /** Watches a socket under a number. @throws {SystemError} */
  add(descriptor: number, number: number): void {
    const { scratch } = this.#libc;
    scratch.view.setUint32(0, EPOLLIN, true);
    scratch.view.setUint32(EPOLL_DATA_OFFSET, number, true);
    scratch.view.setUint32(EPOLL_DATA_OFFSET + 4, 0, true);
    const done = this.#libc.epoll_ctl(this.descriptor, EPOLL_CTL_ADD, descriptor, scratch.address);
    if (done < 0) throw new SystemError("epoll_ctl", this.#libc.errno());
  }

  /** Watches a socket no more; closing its last descriptor does the same. */
  remove(descriptor: number): void {
    this.#libc.epoll_ctl(this.descriptor, EPOLL_CTL_DEL, descriptor, this.#libc.scratch.address);
  }

  /** Whether some of what was ready has not been looked at. */
  get pending(): boolean {
    return this.#at < this.#ready;
  }

  /** Waits until a socket is ready or somebody wakes us; not at all while some is {@link pending}. @throws {SystemError} */
  wait(timeoutMs: number): void {
    if (this.pending) return;
    this.#at = 0;
    const timeout = timeoutMs > LONGEST_MS ? -1 : Math.max(0, Math.ceil(timeoutMs));
    this.#ready = this.#libc.epoll_wait(this.descriptor, this.#arena.address + this.#events, EVENTS, timeout);
    if (this.#ready >= 0) return;
    this.#ready = 0;
    const errno = this.#libc.errno();
    if (errno !== EINTR) throw new SystemError("epoll_wait", errno);
  }

  /** The number of the socket that is looked at; `undefined` when there are no more. */
  get socket(): number | undefined {
    if (!this.pending) return undefined;
    return this.#arena.view.getUint32(this.#events + this.#at * EPOLL_EVENT_BYTES + EPOLL_DATA_OFFSET, true);
  }

  /** Whether an error about an earlier datagram waits in it. */
  get failed(): boolean {
    return (this.#arena.view.getUint32(this.#events + this.#at * EPOLL_EVENT_BYTES, true) & EPOLLERR) !== 0;
  }

  /** Whether it is not a socket but a wake; it is then quiet again. */
  takeWake(): boolean {
    if (this.socket !== WAKE) return false;
    quieten(this.#libc, this.wakeDescriptor);
    return true;
  }

  /** Goes on to the next socket. */
  advance(): void {
    this.#at++;
  }

  close(): void {
    close(this.#libc, this.wakeDescriptor);
    close(this.#libc, this.descriptor);
  }
}
