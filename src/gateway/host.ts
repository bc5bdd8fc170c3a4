import { createSocket } from "node:dgram";
import { availableParallelism, networkInterfaces } from "node:os";
import { type IpAddress, isIp, parseIp } from "../net/ip.ts";

/** What the gateway must know of the machine it runs on. */
export interface Host {
  /** Addresses of all interfaces. */
  readonly addresses: readonly IpAddress[];
  /** The source address of each family's default route, where there is one. */
  readonly defaultSources: readonly IpAddress[];
  readonly cores: number;
}

// Any address beyond the local networks serves to ask for a route: no packet is sent.
const ELSEWHERE = [
  { type: "udp4", address: "192.88.99.1" },
  { type: "udp6", address: "2001:4860::1" },
] as const;

/** Looks at the machine: its interfaces, and where its default routes leave from. */
export async function lookAtHost(): Promise<Host> {
  const sources = await Promise.all(ELSEWHERE.map(({ type, address }) => sourceTowards(type, address)));
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

/** The address that the system would send from; `undefined` without a route. */
function sourceTowards(type: "udp4" | "udp6", address: string): Promise<IpAddress | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(type);
    const settle = (source: IpAddress | undefined): void => {
      socket.close();
      resolve(source);
    };
    socket.once("error", () => settle(undefined));
    socket.connect(9, address, () => {
      const local = socket.address().address;
      settle(isIp(local) ? parseIp(local) : undefined);
    });
  });
}
