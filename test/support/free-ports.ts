import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** Below the range from which systems take ports for outgoing connections, so that none of those is in the way. */
const FIRST = 10_000;
const LAST = 31_999;

/** Ports that nobody has, over UDP or TCP, IPv4 or IPv6, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

/** A range of ports for relays, as `first-last`; whoever has a few of them is for the server to work around. */
export function relayRange(size: number): string {
  const first = 33_000 + Math.floor(Math.random() * (65_535 - 33_000 - size));
  return `${first}-${first + size - 1}`;
}

async function isFree(port: number): Promise<boolean> {
  for (const host of ["127.0.0.1", "::1"]) {
    if (!(await canListen(port, host)) || !(await canBind(port, host))) return false;
  }
  return true;
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function canBind(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
