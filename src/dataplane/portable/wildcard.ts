import { networkInterfaces } from "node:os";
import type { TransportAddress } from "../../net/address.ts";
import { type IpAddress, parseIp } from "../../net/ip.ts";
import { isWildcard } from "../socket.ts";

/**
 * The addresses to bind instead of a wildcard, so that an answer leaves from the address that was asked without
 * the system's help: the host's own, but for those that only mean something with an interface.
 *
 * @param dualStack whether an IPv6 wildcard stands for the IPv4 addresses too
 */
export function localAddresses(address: TransportAddress, dualStack: boolean): TransportAddress[] {
  if (!isWildcard(address)) return [address];
  const families = dualStack ? [4, 6] : [address.ip.family];
  return hostAddresses()
    .filter(({ family }) => families.includes(family))
    .map((ip) => ({ ip, port: address.port }));
}

function hostAddresses(): IpAddress[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ address }) => !/^fe[89ab]/i.test(address)).map(({ address }) => parseIp(address));
}
