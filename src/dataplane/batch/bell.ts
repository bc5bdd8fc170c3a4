import {
  EINTR,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLL_DATA_OFFSET,
  EPOLL_EVENT_BYTES,
  EPOLLIN,
  EPOLLONESHOT,
  type Libc,
  SystemError,
} from "../libc.ts";
import { close, openWake } from "../socket.ts";
import { Arena } from "./arena.ts";

/** A bell, as a value that crosses threads. */
export interface BellPlan {
  /** Watches the pollers of those who listen for the bell. */
  readonly poller: number;
  /** Write to it (`wake` of `socket.ts`), and the ringer goes home. */
  readonly wake: number;
  /** A word for each listener: whether it was rung for. */
  readonly memory: SharedArrayBuffer;
}

const EVENTS = 64;
/** From one ring to the next: datagrams gather meanwhile, for to wake a thread costs as much as to relay several of them. */
const PAUSE_MICROSECONDS = 250;
/** The number of our own eventfd. */
const WAKE = 0xffffffff;
const SILENT = 0;
const RUNG = 1;

/**
 * Opens a bell: one thread rings it ({@link ringBell}) for others that wait in their event loops, which know nothing of
 * the descriptors that they poll by system calls.
 *
 * @param listeners how many threads will listen
 * @throws {SystemError} if the system has no descriptor left
 */
export function openBell(libc: Libc, listeners: number): BellPlan {
  const poller = libc.epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) throw new SystemError("epoll_create1", libc.errno());
  try {
    const wake = openWake(libc);
    control(libc, { poller, operation: EPOLL_CTL_ADD, descriptor: wake, events: EPOLLIN, number: WAKE });
    return { poller, wake, memory: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * listeners) };
  } catch (failure) {
    close(libc, poller);
    throw failure;
  }
}

/**
 * Rings for whoever listens and has something to read, until somebody writes to the bell's `wake`. Blocks.
 *
 * @throws {SystemError} on a broken descriptor
 */
export function ringBell(libc: Libc, { poller, memory }: BellPlan): void {
  const words = new Int32Array(memory);
  const events = new Arena(libc, EVENTS * EPOLL_EVENT_BYTES);
  for (;;) {
    const ready = libc.epoll_wait(poller, events.address, EVENTS, -1);
    if (ready < 0) {
      const errno = libc.errno();
      if (errno !== EINTR) throw new SystemError("epoll_wait", errno);
    }
    for (let i = 0; i < ready; i++) {
      const number = events.view.getUint32(i * EPOLL_EVENT_BYTES + EPOLL_DATA_OFFSET, true);
      if (number === WAKE) return;
      Atomics.store(words, number, RUNG);
      Atomics.notify(words, number);
    }
    libc.usleep(PAUSE_MICROSECONDS);
  }
}

/** One thread's ear for a bell. */
export class BellListener {
  readonly #libc: Libc;
  readonly #poller: number;
  readonly #words: Int32Array;
  readonly #number: number;
  readonly #descriptor: number;

  /**
   * @param number the thread's among those who listen
   * @param descriptor what is to be readable, closed by whoever opened it
   * @throws {SystemError} if it cannot be watched
   */
  constructor(libc: Libc, { poller, memory }: BellPlan, number: number, descriptor: number) {
    this.#libc = libc;
    this.#poller = poller;
    this.#words = new Int32Array(memory);
    this.#number = number;
    this.#descriptor = descriptor;
    this.#control(EPOLL_CTL_ADD, EPOLLONESHOT);
  }

  /** Calls back once, when the descriptor is readable, as it may be already. Not to be asked again before that. */
  listen(rung: () => void): void {
    Atomics.store(this.#words, this.#number, SILENT);
    this.#control(EPOLL_CTL_MOD, EPOLLIN | EPOLLONESHOT);
    const wait = Atomics.waitAsync(this.#words, this.#number, SILENT);
    void (wait.async ? wait.value : Promise.resolve()).then(rung);
  }

  #control(operation: number, events: number): void {
    control(this.#libc, { poller: this.#poller, operation, descriptor: this.#descriptor, events, number: this.#number });
  }
}

interface Control {
  readonly poller: number;
  readonly operation: number;
  readonly descriptor: number;
  readonly events: number;
  readonly number: number;
}

function control(libc: Libc, { poller, operation, descriptor, events, number }: Control): void {
  const { scratch } = libc;
  scratch.view.setUint32(0, events, true);
  scratch.view.setUint32(EPOLL_DATA_OFFSET, number, true);
  scratch.view.setUint32(EPOLL_DATA_OFFSET + 4, 0, true);
  if (libc.epoll_ctl(poller, operation, descriptor, scratch.address) < 0) throw new SystemError("epoll_ctl", libc.errno());
}
