import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ForwardTable } from "../../src/forward/table.ts";
import type { Route } from "../../src/forward/route.ts";
import { addressKey, fiveTupleKey, parseAddress, type Transport } from "../../src/net/address.ts";
import { SocketAddress } from "../../src/net/socket-address.ts";

const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
const at = (text: string): SocketAddress => new SocketAddress().assign(parseAddress(text));

describe("ForwardTable", () => {
  test("leads from a client's channel to the peer, and back", () => {
    const table = new ForwardTable({ key });
    table.openRoute(route({ client: "192.0.2.7:5000", channel: 0x4001, relay: 9, peer: "198.51.100.1:7000", traffic: 12 }));

    const there = table.toPeer(1, 2, at("192.0.2.7:5000"), 0x4001);
    const back = table.toClient(9, at("198.51.100.1:7000"));
    assert.ok(there >= 0);
    assert.equal(back, there);
    assert.equal(table.relayOf(there), 9);
    assert.equal(table.socketOf(there), 1);
    assert.equal(table.localOf(there), 2);
    assert.equal(table.channelOf(there), 0x4001);
    assert.equal(table.trafficOf(there), 12);
    const cursor = new SocketAddress();
    cursor.scope = 5;
    table.wireInto(there, cursor);
    assert.deepEqual(cursor, at("198.51.100.1:7000"));
    table.clientInto(there, cursor);
    assert.deepEqual(cursor, at("192.0.2.7:5000"));
  });

  const strangers = [
    { name: "another listener", socket: 2, local: 2, from: "192.0.2.7:5000", channel: 0x4001 },
    { name: "another local address", socket: 1, local: 3, from: "192.0.2.7:5000", channel: 0x4001 },
    { name: "another client address", socket: 1, local: 2, from: "192.0.2.8:5000", channel: 0x4001 },
    { name: "another client port", socket: 1, local: 2, from: "192.0.2.7:5001", channel: 0x4001 },
    { name: "another channel", socket: 1, local: 2, from: "192.0.2.7:5000", channel: 0x4002 },
    { name: "the same words in IPv6", socket: 1, local: 2, from: "[c000:207::]:5000", channel: 0x4001 },
  ];
  for (const { name, socket, local, from, channel } of strangers) {
    test(`finds nothing for ${name}`, () => {
      const table = new ForwardTable({ key });
      table.openRoute(route({ client: "192.0.2.7:5000", channel: 0x4001 }));
      assert.equal(table.toPeer(socket, local, at(from), channel), -1);
    });
  }

  test("tells IPv6 addresses apart in each of their words", () => {
    const table = new ForwardTable({ key });
    const peers = ["[2001:db8::1]:1", "[2001:db9::1]:1", "[2001:db8:1::1]:1", "[2001:db8::1:0:0:1]:1", "[2001:db8::2]:1"];
    for (const [i, peer] of peers.entries()) table.openRoute(route({ client: `[2001:db8::7]:${i}`, peer }));
    assert.equal(new Set(peers.map((peer) => table.toClient(0, at(peer)))).size, peers.length);
    const cursor = new SocketAddress();
    for (const peer of peers) {
      table.wireInto(table.toClient(0, at(peer)), cursor);
      assert.deepEqual(cursor, at(peer));
    }
  });

  test("does not look at the scope of a link-local address", () => {
    const table = new ForwardTable({ key });
    table.openRoute(route({ client: "[fe80::1]:5000" }));
    const from = at("[fe80::1]:5000");
    from.scope = 3;
    assert.notEqual(table.toPeer(1, 2, from, 0x4000), -1);
  });

  test("closes the way to the client alone when the permission ends, and opens it again", () => {
    const table = new ForwardTable({ key });
    const open = route({ client: "192.0.2.7:5000", peer: "198.51.100.1:7000" });
    table.openRoute(open);
    table.openRoute({ ...open, toClient: false });
    assert.notEqual(table.toPeer(1, 2, at("192.0.2.7:5000"), 0x4000), -1);
    assert.equal(table.toClient(0, at("198.51.100.1:7000")), -1);
    table.openRoute(open);
    assert.notEqual(table.toClient(0, at("198.51.100.1:7000")), -1);
    assert.equal(table.size, 1);
  });

  test("replaces a route of the same client and channel: the old peer is not heard any more", () => {
    const table = new ForwardTable({ key });
    table.openRoute(route({ client: "192.0.2.7:5000", peer: "198.51.100.1:7000" }));
    table.openRoute(route({ client: "192.0.2.7:5000", peer: "198.51.100.2:7000" }));
    assert.equal(table.toClient(0, at("198.51.100.1:7000")), -1);
    assert.notEqual(table.toClient(0, at("198.51.100.2:7000")), -1);
    assert.equal(table.size, 1);
  });

  test("uses the wire, not what the client calls the peer", () => {
    const table = new ForwardTable({ key });
    table.openRoute({ ...route({ peer: "203.0.113.1:50000" }), wire: parseAddress("10.0.0.1:50000") });
    assert.equal(table.toClient(0, at("203.0.113.1:50000")), -1);
    assert.notEqual(table.toClient(0, at("10.0.0.1:50000")), -1);
  });

  test("knows a stream by its connection alone, however large its number", () => {
    const table = new ForwardTable({ key, stream: true });
    const connections = [1, 65_537, 70_000, 2_000_000_000];
    for (const socket of connections) {
      const opened = route({ client: "192.0.2.7:5000", peer: `198.51.100.1:${socket % 60_000}`, transport: "tls" });
      table.openRoute({ ...opened, client: { ...opened.client, socket } });
    }
    const found = connections.map((socket) => table.toPeer(socket, 0, new SocketAddress(), 0x4000));
    assert.deepEqual(
      found.map((index) => table.socketOf(index)),
      connections,
    );
    assert.equal(table.toPeer(2, 0, at("192.0.2.7:5000"), 0x4000), -1);
  });

  test("closing an unknown route is no mistake", () => {
    const table = new ForwardTable({ key });
    table.closeRoute(route({}));
    assert.equal(table.size, 0);
  });

  test("holds 60,000 routes, and forgets them all", () => {
    const table = new ForwardTable({ key });
    const routes = Array.from({ length: 60_000 }, (_, i) => {
      const host = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
      return route({ client: `${host}:5000`, relay: i, peer: `${host}:7000`, traffic: i });
    });
    for (const opened of routes) table.openRoute(opened);
    for (const opened of routes) assert.equal(table.trafficOf(forth(table, opened)), opened.traffic);
    for (const opened of routes) assert.equal(table.trafficOf(back(table, opened)), opened.traffic);
    for (const opened of routes) table.closeRoute(opened);
    assert.equal(table.size, 0);
    for (const opened of routes) assert.equal(forth(table, opened), -1);
  });
});

/** What a stranger can choose: the ports and addresses of clients and peers, in steps that would fall together in a naive hash. */
const floods: readonly { name: string; client: (i: number) => string; peer: (i: number) => string }[] = [
  {
    name: "consecutive ports of two addresses",
    client: (i) => `192.0.2.${i & 1}:${i >> 1}`,
    peer: (i) => `198.51.100.${i & 1}:${i >> 1}`,
  },
  {
    name: "addresses that differ in their first octets alone",
    client: (i) => `${i >> 8}.${i & 255}.0.1:5000`,
    peer: (i) => `${i >> 8}.${i & 255}.0.1:7000`,
  },
  {
    name: "addresses that differ in high bits, ports that make up for it",
    client: (i) => `${128 + (i & 127)}.0.2.1:${(i >> 7) << 8}`,
    peer: (i) => `${128 + (i & 127)}.0.2.1:${(i >> 7) << 8}`,
  },
  {
    name: "IPv6 addresses that differ in two words",
    client: (i) => `[${(i & 255).toString(16)}00::${(i >> 8).toString(16)}00:0]:5000`,
    peer: (i) => `[2001:db8:${(i & 255).toString(16)}00::${(i >> 8).toString(16)}00:0:0]:5000`,
  },
];

describe("a flood of chosen addresses", () => {
  for (const { name, client, peer } of floods) {
    test(`${name}: no search grows long, under any of five keys`, () => {
      const routes = Array.from({ length: 15_000 }, (_, i) => route({ client: client(i), peer: peer(i), traffic: i }));
      for (let i = 0; i < 5; i++) {
        const table = new ForwardTable({ key: key.map((octet) => octet ^ (i * 51)) });
        for (const opened of routes) table.openRoute(opened);
        assert.equal(table.size, routes.length);
        assert.ok(table.longestSearch < 64, `${table.longestSearch} slots`);
      }
    });
  }
});

const step = fc.record({
  do: fc.constantFrom("open" as const, "half" as const, "close" as const),
  client: fc.constantFrom("192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1", "[2001:db8::1]:1"),
  channel: fc.integer({ min: 0x4000, max: 0x4002 }),
  relay: fc.integer({ min: 0, max: 2 }),
  peer: fc.constantFrom("198.51.100.1:1", "198.51.100.1:2", "[2001:db8::5]:1"),
});

/**
 * Goal: the table is two maps. Method: the maps themselves run beside it, one route for each client and channel, and
 * one way back for each relay and peer, the last that was opened; after each step both must answer alike.
 */
test("a forwarding table is two maps", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new ForwardTable({ key });
      const routes = new Map<string, Route>();
      const waysBack = new Map<string, Route>();
      steps.forEach((next, traffic) => {
        const changed = { ...route({ ...next, traffic }), toClient: next.do === "open" };
        const name = `${fiveTupleKey(changed.client)} ${changed.channel}`;
        const before = routes.get(name);
        if (before && waysBack.get(wayBack(before)) === before) waysBack.delete(wayBack(before));
        routes.delete(name);
        if (next.do === "close") {
          table.closeRoute(changed);
        } else {
          table.openRoute(changed);
          routes.set(name, changed);
          if (changed.toClient) waysBack.set(wayBack(changed), changed);
        }
        assert.equal(table.size, routes.size);
        for (const opened of routes.values()) assert.equal(table.trafficOf(forth(table, opened)), opened.traffic);
        for (const opened of routes.values()) {
          const expected = waysBack.get(wayBack(opened));
          const found = back(table, opened);
          assert.equal(found === -1 ? undefined : table.trafficOf(found), expected?.traffic);
        }
        if (next.do === "close") assert.equal(forth(table, changed), -1);
      });
    }),
    { numRuns: 200 },
  );
});

function wayBack({ relay, wire }: Route): string {
  return `${relay} ${addressKey(wire)}`;
}

function forth(table: ForwardTable, { client, channel }: Route): number {
  return table.toPeer(client.socket, client.local, new SocketAddress().assign(client.client), channel);
}

function back(table: ForwardTable, { relay, wire }: Route): number {
  return table.toClient(relay, new SocketAddress().assign(wire));
}

interface RouteText {
  client?: string;
  channel?: number;
  relay?: number;
  peer?: string;
  traffic?: number;
  transport?: Transport;
}

function route({ client = "192.0.2.1:1", channel = 0x4000, relay = 0, peer = "198.51.100.1:1", ...rest }: RouteText): Route {
  const { traffic = 0, transport = "udp" } = rest;
  const server = parseAddress("192.0.2.100:3478");
  const tuple = { transport, client: parseAddress(client), server, socket: 1, local: 2 };
  return { client: tuple, channel, relay, peer: parseAddress(peer), wire: parseAddress(peer), traffic, toClient: true };
}
