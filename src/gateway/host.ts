import { availableParallelism, networkInterfaces } from "node:os";
import { openLibc } from "../dataplane/libc.ts";
import { sourceTowards } from "../dataplane/socket.ts";
import { type IpAddress, isIp, parseIp } from "../net/ip.ts";
import { openRuntime } from "../runtime/runtime.ts";

/** What the gateway must know of the machine it runs on. */
export interface Host {
  /** Addresses of all interfaces. */
  readonly addresses: readonly IpAddress[];
  /** The source address of each family's default route, where there is one. */
  readonly defaultSources: readonly IpAddress[];
  readonly cores: number;
}

// Any address beyond the local networks serves to ask for a route: no packet is sent.
const ELSEWHERE = ["192.88.99.1", "2001:4860::1"];
const ANY_PORT = 9;

/** Looks at the machine: its interfaces, and where its default routes leave from. */
export async function lookAtHost(): Promise<Host> {
  const libc = openLibc(await openRuntime());
  const sources = ELSEWHERE.map((address) => sourceTowards(libc, { ip: parseIp(address), port: ANY_PORT }));
  return {
    addresses: hostAddresses(),
    defaultSources: sources.filter((source) => source !== undefined),
    cores: availableParallelism(),
  };
}

/** Addresses of all interfaces. */
export function hostAddresses(): readonly IpAddress[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return interfaces.map(({ address }) => address.split("%")[0] ?? "").flatMap((text) => (isIp(text) ? [parseIp(text)] : []));
}
