import { nanosecondsPer, octetsPer, seeded } from "./support/measure.ts";
import { ForwardTable } from "../src/forward/table.ts";
import type { TransportAddress } from "../src/net/address.ts";
import { ipFrom } from "../src/net/ip.ts";
import { SocketAddress } from "../src/net/socket-address.ts";
import type { Route } from "../src/forward/route.ts";

const LOOKUPS = 4_000_000;

/** What a look-up costs in each direction, cursors filled: few routes tell of the code, many in random order of the memory too. */
for (const count of [100, 60_000]) {
  const { toPeer, toClient } = lookUps(count);
  const line = [
    `forward-table, ${count} routes in random order:`,
    `${nanosecondsPer(LOOKUPS, toPeer)} ns to the peer, ${nanosecondsPer(LOOKUPS, toClient)} ns to the client,`,
    `${(await octetsPer(200_000, toPeer)) ?? "?"} and ${(await octetsPer(200_000, toClient)) ?? "?"} octets of heap a look-up`,
  ];
  process.stdout.write(`${line.join(" ")}\n`);
}

function lookUps(count: number): { toPeer: (i: number) => void; toClient: (i: number) => void } {
  const random = seeded(1);
  const table = new ForwardTable({ key: Uint8Array.from({ length: 32 }, () => random(256)) });
  const routes = Array.from({ length: count }, (_, i) => route(i, random));
  for (const opened of routes) table.openRoute(opened);
  const order = Array.from({ length: count }, () => random(count));
  const clients = inOrder(order, routes, ({ client }) => client.client);
  const peers = inOrder(order, routes, ({ wire }) => wire);
  const from = new SocketAddress();
  from.family = 4;
  const to = new SocketAddress();
  return {
    toPeer(i) {
      const at = moveTo(from, clients, i % count);
      const found = table.toPeer(at % 4, 0, from, 0x4000 + (at % 8));
      table.wireInto(found, to);
      if (table.relayOf(found) !== at >> 2) throw new Error("The wrong route");
    },
    toClient(i) {
      const at = moveTo(from, peers, i % count);
      const found = table.toClient(at >> 2, from);
      table.clientInto(found, to);
      if (table.trafficOf(found) !== at) throw new Error("The wrong route");
    },
  };
}

/** Route, address and port of each datagram, one behind the other as a receive batch has them. */
function inOrder(order: readonly number[], routes: readonly Route[], of: (route: Route) => TransportAddress): Int32Array {
  const cursor = new SocketAddress();
  return Int32Array.from(
    order.flatMap((at) => {
      const route = routes[at];
      if (route !== undefined) cursor.assign(of(route));
      return [at, cursor.word0, cursor.port];
    }),
  );
}

function moveTo(cursor: SocketAddress, datagrams: Int32Array, i: number): number {
  cursor.word0 = datagrams[3 * i + 1] ?? 0;
  cursor.port = datagrams[3 * i + 2] ?? 0;
  return datagrams[3 * i] ?? 0;
}

function route(i: number, random: (limit: number) => number): Route {
  const address = (first: number): TransportAddress => {
    return { ip: ipFrom(Uint8Array.of(first, random(256), random(256), random(256))), port: 1024 + random(64_000) };
  };
  const client = { transport: "udp" as const, client: address(100), server: address(192), socket: i % 4, local: 0 };
  const peer = address(203);
  return { client, channel: 0x4000 + (i % 8), relay: i >> 2, peer, wire: peer, traffic: i, toClient: true };
}
