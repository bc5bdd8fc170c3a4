import type { Socket } from "node:net";
import type { TransportAddress } from "../net/address.ts";
import { isIp, parseIp, unmapped } from "../net/ip.ts";

/** Both ends of a connection, as the client's host sees them. */
export interface Ends {
  readonly client: TransportAddress;
  readonly server: TransportAddress;
}

/** The ends that a socket itself knows, IPv4 as IPv4 on dual-stack listeners; `undefined` once it is closed. */
export function endsOf(socket: Socket): Ends | undefined {
  const client = addressOf(socket.remoteAddress, socket.remotePort);
  const server = addressOf(socket.localAddress, socket.localPort);
  return client === undefined || server === undefined ? undefined : { client, server };
}

function addressOf(ip: string | undefined, port: number | undefined): TransportAddress | undefined {
  const [text = ""] = (ip ?? "").split("%"); // the interface of a link-local address
  return port === undefined || !isIp(text) ? undefined : { ip: unmapped(parseIp(text)), port };
}
