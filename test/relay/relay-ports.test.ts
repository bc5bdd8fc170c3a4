import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SystemError } from "../../src/dataplane/libc.ts";
import type { PeerSide } from "../../src/dataplane/plane.ts";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { parseIp } from "../../src/net/ip.ts";
import { PortTable, type PortTableShape } from "../../src/policy/ports.ts";
import { SharedRelayPorts } from "../../src/relay/relay-ports.ts";
import type { OpenedRelay } from "../../src/turn/relay-ports.ts";
import { seededRandom } from "../support/seeded-random.ts";

const NOW = 1_000_000;
const ONE = { family: 4, even: false, reserveNext: false } as const;
const PAIR = { family: 4, even: true, reserveNext: true } as const;

describe("SharedRelayPorts", () => {
  test("shows the external address and binds the local one", () => {
    const { ports, bound } = world();
    const relay = opened(ports.open(ONE, NOW));
    assert.match(formatAddress(relay.address), /^203\.0\.113\.9:5000[0-3]$/);
    assert.deepEqual(bound(), [`10.0.0.9:${relay.address.port}`]);
  });

  test("has no IPv6 where there is no such address", () => {
    assert.equal(world().ports.open({ ...ONE, family: 6 }, NOW), "no address of this family");
  });

  test("opens every port once, then says that it is exhausted; what is closed can be opened again", () => {
    const { ports, closedOnPlane } = world();
    const relays = Array.from({ length: 4 }, () => opened(ports.open(ONE, NOW)));
    assert.equal(new Set(relays.map(({ address }) => address.port)).size, 4);
    assert.equal(ports.open(ONE, NOW), "exhausted");
    ports.close(relays[2]?.id ?? -1, NOW);
    assert.deepEqual(closedOnPlane, [relays[2]?.id]);
    assert.equal(opened(ports.open(ONE, NOW)).address.port, relays[2]?.address.port);
  });

  test("passes by a port that another program has", () => {
    const { ports, taken } = world();
    for (const port of [50000, 50001, 50003]) taken.add(port);
    assert.equal(opened(ports.open(ONE, NOW)).address.port, 50002);
  });

  test("a reserved port is redeemed once, by a table of another thread too", () => {
    const { ports, other } = world();
    const relay = opened(ports.open(PAIR, NOW));
    assert.ok(relay.reservation);
    assert.equal(relay.address.port % 2, 0);
    const redeemed = other.redeem(relay.reservation, NOW);
    assert.equal(redeemed?.address.port, relay.address.port + 1);
    assert.equal(ports.redeem(relay.reservation, NOW), undefined);
  });

  test("a reservation that is cancelled closes its socket and gives the port back", () => {
    const { ports, table, bound } = world();
    const relay = opened(ports.open(PAIR, NOW));
    ports.cancel(relay.reservation ?? new Uint8Array(8), NOW);
    assert.deepEqual([bound().length, table.live], [1, 1]);
  });

  for (const request of [ONE, PAIR]) {
    const what = request.reserveNext ? "a pair" : "a port";
    test(`without descriptors ${what} is "exhausted", and nothing stays open or claimed`, () => {
      const { ports, table, bound, limits } = world();
      limits.descriptors = request.reserveNext ? 1 : 0;
      assert.equal(ports.open(request, NOW), "exhausted");
      assert.deepEqual([bound(), table.live], [[], 0]);
    });

    test(`if the plane cannot watch ${what}, it is "exhausted", and nothing stays open or claimed`, () => {
      const { ports, table, bound, limits } = world();
      limits.planeRefuses = true;
      assert.equal(ports.open(request, NOW), "exhausted");
      assert.deepEqual([bound(), table.live], [[], 0]);
    });
  }
});

test("peers that are relays of ours are spoken to at the local address, and shown by the external one", () => {
  const { ports } = world();
  const { address } = opened(ports.open(ONE, NOW));
  const wire = ports.wireOf(address);
  assert.equal(formatAddress(wire), `10.0.0.9:${address.port}`);
  assert.deepEqual(ports.shownOf(wire), address);
  const stranger = parseAddress("198.51.100.1:9");
  assert.deepEqual([ports.wireOf(stranger), ports.shownOf(stranger)], [stranger, stranger]);
});

function opened(outcome: ReturnType<SharedRelayPorts["open"]>): OpenedRelay {
  assert.ok(typeof outcome === "object", `no relay: ${outcome}`);
  return outcome;
}

/** Two shards over one table of four ports, and a system that can refuse. */
function world() {
  const addresses = [{ local: parseIp("10.0.0.9"), shown: parseIp("203.0.113.9") }];
  const shape: PortTableShape = { addresses, firstPort: 50000, lastPort: 50003 };
  const memory = PortTable.memory(shape);
  const sockets = new Map<number, string>();
  const taken = new Set<number>();
  const closedOnPlane: number[] = [];
  const limits = { descriptors: Number.POSITIVE_INFINITY, planeRefuses: false };
  let last = 10;
  const system = {
    open({ port, ip }: ReturnType<typeof parseAddress>) {
      if (taken.has(port)) return "taken" as const;
      if (sockets.size >= limits.descriptors) return "exhausted" as const;
      last += 1;
      sockets.set(last, formatAddress({ ip, port }));
      return last;
    },
    close: (descriptor: number) => void sockets.delete(descriptor),
  };
  const peers: PeerSide = {
    sendToPeer: () => {},
    openRelay(descriptor) {
      if (limits.planeRefuses) throw new SystemError("epoll_ctl", 28);
      return descriptor;
    },
    closeRelay(relay) {
      closedOnPlane.push(relay);
      sockets.delete(relay);
    },
    releasesRelays: true,
    releaseRelay: (relay) => relay,
  };
  const shard = (seed: number) => {
    const table = new PortTable(memory, shape, seededRandom(seed));
    return {
      table,
      ports: new SharedRelayPorts({ table, addresses, sockets: system, peers, random: seededRandom(seed), shard: seed }),
    };
  };
  const [first, second] = [shard(1), shard(2)];
  return { ...first, other: second.ports, taken, closedOnPlane, limits, bound: () => [...sockets.values()] };
}
