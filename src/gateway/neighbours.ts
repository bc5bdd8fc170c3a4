import { lookup } from "node:dns/promises";
import type { Settings } from "../config/schema.ts";
import type { Neighbour } from "../edge/passthrough.ts";
import { parseIp } from "../net/ip.ts";
import { StartFailure } from "./state-directory.ts";

/**
 * Where the TLS of each passed-on name goes: `tls.passthrough` with its host names looked up, once.
 *
 * @throws {StartFailure} for a name that does not resolve
 */
export async function neighbours({ tls }: Settings): Promise<ReadonlyMap<string, Neighbour>> {
  const found = new Map<string, Neighbour>();
  for (const [serverName, { host, port, proxyHeader }] of Object.entries(tls.passthrough)) {
    try {
      const { address } = await lookup(host);
      found.set(serverName.toLowerCase(), { address: { ip: parseIp(address), port }, proxyHeader });
    } catch (error) {
      throw new StartFailure(`tls.passthrough: ${host} does not resolve: ${error instanceof Error ? error.message : error}`);
    }
  }
  return found;
}
