import { nanosecondsPer, seeded } from "./support/measure.ts";
import { ForwardTable } from "../src/forward/table.ts";
import { ipFrom } from "../src/net/ip.ts";
import { SocketAddress } from "../src/net/socket-address.ts";
import type { Route } from "../src/forward/route.ts";

const ROUTES = 60_000;
const LOOKUPS = 4_000_000;

/** What a look-up costs in each direction with 60,000 routes, clients and peers in random order, cursors filled. */
const random = seeded(1);
const table = new ForwardTable({ key: Uint8Array.from({ length: 32 }, () => random(256)) });
const routes: Route[] = Array.from({ length: ROUTES }, (_, i) => {
  const client = { ip: ipFrom(Uint8Array.of(100, random(256), random(256), random(256))), port: 1024 + random(64_000) };
  const server = { ip: ipFrom(Uint8Array.of(192, 0, 2, 1)), port: 3478 };
  const peer = { ip: ipFrom(Uint8Array.of(203, random(256), random(256), random(256))), port: 1024 + random(64_000) };
  const tuple = { transport: "udp" as const, client, server, socket: i % 4, local: 0 };
  return { client: tuple, channel: 0x4000 + (i % 8), relay: i >> 2, peer, wire: peer, traffic: i, toClient: true };
});
for (const route of routes) table.openRoute(route);

const order = Int32Array.from({ length: ROUTES }, () => random(ROUTES));
const clients = routes.map((route) => new SocketAddress().assign(route.client.client));
const peers = routes.map((route) => new SocketAddress().assign(route.wire));
const to = new SocketAddress();
let found = 0;

const toPeer = nanosecondsPer(LOOKUPS, (i) => {
  const at = order[i % ROUTES] ?? 0;
  const from = clients[at];
  if (from === undefined) return;
  const route = table.toPeer(at % 4, 0, from, 0x4000 + (at % 8));
  table.wireInto(route, to);
  found += table.relayOf(route) + to.port;
});
const toClient = nanosecondsPer(LOOKUPS, (i) => {
  const at = order[i % ROUTES] ?? 0;
  const from = peers[at];
  if (from === undefined) return;
  const route = table.toClient(at >> 2, from);
  table.clientInto(route, to);
  found += table.channelOf(route) + to.port;
});

process.stdout.write(
  `forward-table: ${toPeer} ns to the peer, ${toClient} ns to the client, ${table.size} routes in random order (${found % 7})\n`,
);
