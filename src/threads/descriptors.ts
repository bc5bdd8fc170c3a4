import { type Libc, SystemError } from "../dataplane/libc.ts";
import { portHolder } from "../dataplane/port-holder.ts";
import { assertFree, close, openTcpListener, openUdpListener, socketName } from "../dataplane/socket.ts";
import { formatAddress, type TransportAddress } from "../net/address.ts";
import { formatIp, parseIp } from "../net/ip.ts";
import type { Listener } from "./plan.ts";

/** The lists of `[listen]`. */
export type ListenKind = "udp" | "tcp" | "tls" | "http" | "metrics";

/** One entry of `[listen]` that threads listen on. */
export interface Wish {
  readonly kind: "udp" | "tcp" | "tls";
  readonly address: TransportAddress;
  /** Nobody asked for this port: another will do. */
  readonly replaceable: boolean;
  /** How many threads listen. */
  readonly threads: number;
}

/** Sockets for one wish: a descriptor for each thread, all of one address. */
export interface Opened {
  readonly kind: Wish["kind"];
  readonly listeners: readonly Listener[];
  /** Where the wish was for another port: why that one was refused. */
  readonly refused?: string;
}

/** A port that was configured cannot be listened on. */
export class ListenFailure extends Error {
  override readonly name = "ListenFailure";

  constructor({ kind, address }: { readonly kind: ListenKind; readonly address: TransportAddress }, code: string) {
    super(`listen.${kind}: cannot listen on ${formatAddress(address)}: ${explain(code, kind, address.port)}`);
  }
}

const HTTPS_PORT = 443;
const HTTPS_FALLBACK = 8443;
const NEXT_PORTS = 10;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const TCP_BACKLOG = 4096;

/**
 * Opens the listening sockets of one wish: once, before any thread starts.
 *
 * @throws {ListenFailure} if a port that was configured is refused, or no other is free
 */
export function openListeners(libc: Libc, wish: Wish): Opened {
  let refused: string | undefined;
  for (const port of portsToTry(wish.address.port, wish.replaceable)) {
    const outcome = openAt(libc, { ...wish, address: { ip: wish.address.ip, port } });
    if (typeof outcome !== "string")
      return { kind: wish.kind, listeners: outcome, ...(refused === undefined ? {} : { refused }) };
    refused ??= explain(outcome, wish.kind, port);
    if (!isRefusal(outcome) || !wish.replaceable) throw new ListenFailure(wish, outcome);
  }
  throw new ListenFailure(wish, "EADDRINUSE");
}

/** A port, and where another will do those to try instead: 8443 for 443, and the next ten above. */
export function portsToTry(port: number, replaceable: boolean): readonly number[] {
  if (!replaceable) return [port];
  const above = (first: number): number[] => Array.from({ length: NEXT_PORTS }, (_, i) => first + i + 1);
  return [port, ...(port === HTTPS_PORT ? [HTTPS_FALLBACK, ...above(HTTPS_FALLBACK)] : above(port))];
}

/** Whether another port may fare better. */
export function isRefusal(code: string): boolean {
  return code === "EACCES" || code === "EPERM" || code === "EADDRINUSE";
}

/** Why a port is refused, in words: by whom, where the system tells. */
export function explain(code: string, kind: ListenKind, port: number): string {
  if (code === "EADDRINUSE") {
    const holder = portHolder(kind === "udp" ? "udp" : "tcp", port);
    return `port ${port} is in use by ${holder === undefined ? "another program" : `${holder.name} (process ${holder.pid})`}`;
  }
  if (code === "EACCES" || code === "EPERM") return `no privilege for port ${port} (CAP_NET_BIND_SERVICE, or root)`;
  if (code === "EADDRNOTAVAIL") return "this host has no such address";
  if (code === "EAFNOSUPPORT") return "this host has no IPv6: 0.0.0.0 is every address of IPv4";
  return code;
}

/**
 * Sees that a port which main listens on by itself later is free now: nothing is made yet that would have to be undone.
 *
 * @throws {ListenFailure} if it is not
 */
export function assertListenable(libc: Libc, kind: "http" | "metrics", address: TransportAddress): void {
  try {
    assertFree(libc, address, "tcp", isDualStack(address));
  } catch (error) {
    if (error instanceof SystemError) throw new ListenFailure({ kind, address }, error.code);
    throw error;
  }
}

/** A descriptor for each thread, or the name of the error. */
function openAt(libc: Libc, { kind, address, threads }: Wish): readonly Listener[] | string {
  const listeners: Listener[] = [];
  let bound = address;
  try {
    // Our sockets share their port, so those of a second gateway would too, silently.
    if (bound.port !== 0) assertFree(libc, bound, kind === "udp" ? "udp" : "tcp", isDualStack(bound));
    for (let thread = 0; thread < threads; thread++) {
      const descriptor = open(libc, kind, bound);
      bound = socketName(libc, descriptor); // port 0 becomes a real one, the same for all
      listeners.push({ descriptor, address: bound });
    }
    return listeners;
  } catch (error) {
    for (const { descriptor } of listeners) close(libc, descriptor);
    if (error instanceof SystemError) return error.code;
    throw error;
  }
}

function open(libc: Libc, kind: Wish["kind"], address: TransportAddress): number {
  const dualStack = isDualStack(address);
  if (kind === "udp") return openUdpListener(libc, address, { dualStack, receiveBufferBytes: RECEIVE_BUFFER_BYTES });
  return openTcpListener(libc, address, { dualStack, backlog: TCP_BACKLOG });
}

function isDualStack({ ip }: TransportAddress): boolean {
  return formatIp(ip) === "::";
}

/** `[::]` where there is IPv6, else `0.0.0.0`: what a default means on this host. */
export function withoutIpv6({ ip, port }: TransportAddress): TransportAddress {
  return formatIp(ip) === "::" ? { ip: parseIp("0.0.0.0"), port } : { ip, port };
}
