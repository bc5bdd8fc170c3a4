import { connect, type Socket } from "node:net";
import type { TransportAddress } from "../net/address.ts";
import { formatIp } from "../net/ip.ts";
import type { Ends } from "./ends.ts";
import { writeProxyHeader } from "./proxy-header.ts";

/** Where the TLS of a name goes that is not ours (`tls.passthrough`). */
export interface Neighbour {
  readonly address: TransportAddress;
  /** Whether it wants to be told who the client is, by a PROXY header of version 2. */
  readonly proxyHeader: boolean;
}

/**
 * Passes a connection on untouched: nothing is decrypted, and each side's half-close reaches the other.
 *
 * @param head what was already read of it, the ClientHello
 * @param connected called once the neighbour answers; until then the caller's deadline counts
 */
export function passThrough(raw: Socket, head: Uint8Array, neighbour: Neighbour, ends: Ends, connected: () => void): void {
  const { ip, port } = neighbour.address;
  const other = connect({ host: formatIp(ip), port, allowHalfOpen: true });
  for (const [one, two] of [
    [raw, other],
    [other, raw],
  ] as const) {
    one.on("error", () => one.destroy());
    one.once("close", () => (two.connecting ? two.destroy() : two.destroySoon()));
    one.setNoDelay(true);
  }
  other.once("connect", () => {
    connected();
    if (neighbour.proxyHeader) other.write(writeProxyHeader(ends.client, ends.server));
    other.write(head);
    raw.pipe(other);
    other.pipe(raw);
  });
}
