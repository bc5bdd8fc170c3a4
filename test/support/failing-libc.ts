import type { Libc } from "../../src/dataplane/libc.ts";

/** The system calls that can be made to fail. */
export type Call = {
  [Name in keyof Libc]: Libc[Name] extends (...values: number[]) => number ? (Name extends "errno" ? never : Name) : never;
}[keyof Libc];

/** Every call that {@link FailingLibc} can let fail. */
export const CALLS: readonly Call[] = [
  "socket",
  "bind",
  "connect",
  "listen",
  "close",
  "fcntl",
  "setsockopt",
  "getsockname",
  "recvmmsg",
  "sendmmsg",
  "sendto",
  "epoll_create1",
  "epoll_ctl",
  "epoll_wait",
  "eventfd",
  "read",
  "write",
  "usleep",
  "prctl",
  "syscall",
  "madvise",
  "mapMemory",
];

/** The real C library, of which a test makes single calls fail. */
export class FailingLibc {
  /** Give this to what is tested. */
  readonly libc: Libc;
  /** How often each call was made, failures included. */
  readonly counts = new Map<Call, number>();
  readonly #planned = new Map<Call, { errno: number; times: number }>();
  #errno = 0;

  constructor(real: Libc) {
    const wrap =
      (name: Call, call: (...values: number[]) => number) =>
      (...values: number[]): number => {
        this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
        const plan = this.#planned.get(name);
        this.#errno = 0;
        if (plan === undefined || plan.times === 0) return call(...values);
        plan.times--;
        this.#errno = plan.errno;
        return name === "mapMemory" ? 0 : -1;
      };
    this.libc = {
      socket: wrap("socket", real.socket),
      bind: wrap("bind", real.bind),
      connect: wrap("connect", real.connect),
      listen: wrap("listen", real.listen),
      close: wrap("close", real.close),
      fcntl: wrap("fcntl", real.fcntl),
      setsockopt: wrap("setsockopt", real.setsockopt),
      getsockname: wrap("getsockname", real.getsockname),
      recvmmsg: wrap("recvmmsg", real.recvmmsg),
      sendmmsg: wrap("sendmmsg", real.sendmmsg),
      sendto: wrap("sendto", real.sendto),
      epoll_create1: wrap("epoll_create1", real.epoll_create1),
      epoll_ctl: wrap("epoll_ctl", real.epoll_ctl),
      epoll_wait: wrap("epoll_wait", real.epoll_wait),
      eventfd: wrap("eventfd", real.eventfd),
      read: wrap("read", real.read),
      write: wrap("write", real.write),
      usleep: wrap("usleep", real.usleep),
      prctl: wrap("prctl", real.prctl),
      syscall: wrap("syscall", real.syscall),
      madvise: wrap("madvise", real.madvise),
      mapMemory: wrap("mapMemory", real.mapMemory),
      errno: () => (this.#errno === 0 ? real.errno() : this.#errno),
      viewOf: real.viewOf,
      adoptsDatagramSockets: real.adoptsDatagramSockets,
      scratch: real.scratch,
    };
  }

  /** The next calls of this name fail with an errno. */
  fail(call: Call, errno: number, times = 1): void {
    this.#planned.set(call, { errno, times });
  }

  /** How many planned failures of a call have not happened. */
  pending(call: Call): number {
    return this.#planned.get(call)?.times ?? 0;
  }
}
