import { constants } from "node:os";
import { arch } from "node:process";
import type { Runtime, Signature } from "../runtime/runtime.ts";
import { Arena } from "./batch/arena.ts";

/**
 * The system calls that a data plane makes, as C names and numbers them: -1 is a failure, and `errno` says which
 * until the next call. Addresses are numbers; what they point at lies in an {@link Arena}.
 *
 * An interface, so that a test can make any of them fail.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(descriptor: number, address: number, bytes: number): number;
  connect(descriptor: number, address: number, bytes: number): number;
  listen(descriptor: number, backlog: number): number;
  close(descriptor: number): number;
  fcntl(descriptor: number, command: number, argument: number): number;
  setsockopt(descriptor: number, level: number, option: number, value: number, bytes: number): number;
  getsockname(descriptor: number, address: number, bytes: number): number;
  recvmmsg(descriptor: number, messages: number, count: number, flags: number, timeout: number): number;
  sendmmsg(descriptor: number, messages: number, count: number, flags: number): number;
  sendto(descriptor: number, message: number, bytes: number, flags: number, address: number, addressBytes: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(poller: number, operation: number, descriptor: number, event: number): number;
  epoll_wait(poller: number, events: number, count: number, timeoutMs: number): number;
  eventfd(initial: number, flags: number): number;
  read(descriptor: number, address: number, bytes: number): number;
  write(descriptor: number, address: number, bytes: number): number;
  usleep(microseconds: number): number;
  prctl(option: number, argument: number): number;
  /** A call that the C library has no name for. */
  syscall(number: number, first: number, second: number, third: number, fourth: number): number;
  madvise(address: number, bytes: number, advice: number): number;
  /** Private, zeroed memory; 0 if there is none. */
  mapMemory(bytes: number): number;
  /** Why the last call failed. Ask before anything else is called. */
  errno(): number;
  /** Native memory as an array. */
  viewOf(address: number, bytes: number): Uint8Array;
  /** Whether `node:dgram` reads from sockets that were opened here. */
  readonly adoptsDatagramSockets: boolean;
  /** Two pages for arguments, free again when the call that reads them returns. */
  readonly scratch: Arena;
}

/** A system call that failed although its arguments were right. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  /** Which: `bind`, `socket`, … */
  readonly call: string;
  readonly errno: number;
  /** Its name: `EADDRINUSE`, `EMFILE`, … */
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = NAMES.get(errno) ?? `errno ${errno}`;
    super(`${call}: ${code}`);
    this.call = call;
    this.errno = errno;
    this.code = code;
  }
}

/**
 * Loads the C library for the calling thread: `errno` is the thread's own, so every thread opens it for itself.
 *
 * @throws {Error} where there is none that we know (Linux with glibc or musl), or where native code is forbidden
 */
export function openLibc(runtime: Runtime): Libc {
  const { mmap, __errno_location, ...functions } = runtime.openLibrary(LIBRARY_NAMES, SIGNATURES);
  const calls = {
    ...functions,
    errno: runtime.int32At(__errno_location()),
    viewOf: runtime.viewOf,
    adoptsDatagramSockets: runtime.adoptsDatagramSockets,
    mapMemory(bytes: number): number {
      const address = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      return address > 0 && address < MAP_FAILED_FROM ? address : 0;
    },
  };
  let scratch: Arena | undefined;
  const libc: Libc = {
    ...calls,
    get scratch(): Arena {
      scratch ??= new Arena(libc, 8192);
      return scratch;
    },
  };
  return libc;
}

const LIBRARY_NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libc.so"];

const signature = (parameters: Signature["parameters"], result: Signature["result"] = "i32"): Signature => ({
  parameters,
  result,
});

/** Results of type `ssize_t` are read as `int`: no count here comes near its limit. */
const SIGNATURES = {
  socket: signature(["i32", "i32", "i32"]),
  bind: signature(["i32", "pointer", "u32"]),
  connect: signature(["i32", "pointer", "u32"]),
  listen: signature(["i32", "i32"]),
  close: signature(["i32"]),
  fcntl: signature(["i32", "i32", "i32"]),
  setsockopt: signature(["i32", "i32", "i32", "pointer", "u32"]),
  getsockname: signature(["i32", "pointer", "pointer"]),
  recvmmsg: signature(["i32", "pointer", "u32", "i32", "pointer"]),
  sendmmsg: signature(["i32", "pointer", "u32", "i32"]),
  sendto: signature(["i32", "pointer", "usize", "i32", "pointer", "u32"]),
  epoll_create1: signature(["i32"]),
  epoll_ctl: signature(["i32", "i32", "i32", "pointer"]),
  epoll_wait: signature(["i32", "pointer", "i32", "i32"]),
  eventfd: signature(["u32", "i32"]),
  read: signature(["i32", "pointer", "usize"]),
  write: signature(["i32", "pointer", "usize"]),
  mmap: signature(["pointer", "usize", "i32", "i32", "i32", "usize"], "pointer"),
  usleep: signature(["u32"]),
  prctl: signature(["i32", "usize"]),
  syscall: signature(["usize", "usize", "pointer", "usize", "usize"]),
  madvise: signature(["pointer", "usize", "i32"]),
  __errno_location: signature([], "pointer"),
};

/** Errno to name. Two names of one number (EAGAIN, EWOULDBLOCK) give the first. */
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, errno]) => [errno, name]),
);

// Everything below has one number on x86-64 and arm64 Linux, but for the layout of epoll_event.

export const EINTR = 4;
export const EBADF = 9;
export const EAGAIN = 11;
export const EFAULT = 14;
export const EIO = 5;
export const ENOTSOCK = 88;
export const EAFNOSUPPORT = 97;
export const EISCONN = 106;
export const ECONNREFUSED = 111;
export const EALREADY = 114;
export const EINPROGRESS = 115;

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
/** Flags of `socket`: never blocks, not inherited by programs we start. */
export const SOCK_NONBLOCK = 0x800;
export const SOCK_CLOEXEC = 0x80000;

export const MSG_DONTWAIT = 0x40;
/** The datagram was longer than its slot. */
export const MSG_TRUNC = 0x20;
/** Reads errors about earlier datagrams instead of data. */
export const MSG_ERRQUEUE = 0x2000;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_SNDBUF = 7;
export const SO_KEEPALIVE = 9;
export const SO_RCVBUF = 8;
export const SO_REUSEPORT = 15;
/** The same past `net.core.wmem_max` and `rmem_max`; needs CAP_NET_ADMIN. */
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;

export const IPPROTO_IP = 0;
export const IP_PKTINFO = 8;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
/** Sets DF and does not ask what the path takes. */
export const IP_PMTUDISC_PROBE = 3;
/** Never sets DF, fragments by the interface's MTU alone; unlike IP_PMTUDISC_DONT it still reports "fragmentation needed". */
export const IP_PMTUDISC_OMIT = 5;

export const IPPROTO_IPV6 = 41;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_DONTFRAG = 62;

export const SOL_UDP = 17;
/** Generic segmentation offload: one message, many datagrams of this size. */
export const UDP_SEGMENT = 103;
/** Generic receive offload: datagrams of one sender that arrived together are one message, and a control message says their size. */
export const UDP_GRO = 104;

export const EPOLL_CLOEXEC = 0x80000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x1;
export const EPOLLERR = 0x8;
/** Tells once, and again only after another EPOLL_CTL_MOD. */
export const EPOLLONESHOT = 0x4000_0000;
/** epoll_event is packed on x86-64: u32 events, u64 data in 12 octets; elsewhere it is aligned, 16. */
export const EPOLL_EVENT_BYTES = arch === "x64" ? 12 : 16;
export const EPOLL_DATA_OFFSET = arch === "x64" ? 4 : 8;

/** The lowest free number for another descriptor of the same, not inherited by programs we start. */
export const F_DUPFD_CLOEXEC = 1030;

/** How late timers of this thread may be, in nanoseconds. */
export const PR_SET_TIMERSLACK = 29;

export const EFD_NONBLOCK = 0x800;
export const EFD_CLOEXEC = 0x80000;

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_PRIVATE = 0x02;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
/** Above every user-space address: MAP_FAILED is the highest number there is. */
const MAP_FAILED_FROM = 2 ** 56;
/** Drops pages; they read as zero afterwards. */
export const MADV_DONTNEED = 4;
export const MADV_NOHUGEPAGE = 15;
