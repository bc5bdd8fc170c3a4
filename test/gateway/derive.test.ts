import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Settings } from "../../src/config/schema.ts";
import {
  apiSettings,
  endpoints,
  needRestart,
  publicName,
  relayAddresses,
  shardSettings,
  threadCounts,
  warnings,
} from "../../src/gateway/derive.ts";
import type { Host } from "../../src/gateway/host.ts";
import { parseAddress } from "../../src/net/address.ts";
import { formatIp, parseIp } from "../../src/net/ip.ts";
import { loaded } from "../support/loaded.ts";

const host: Host = {
  addresses: ["127.0.0.1", "::1", "10.0.0.9", "fe80::1", "2001:4860::9"].map(parseIp),
  defaultSources: ["10.0.0.9", "2001:4860::9"].map(parseIp),
  cores: 4,
};

describe("relayAddresses", () => {
  const vectors = [
    {
      name: "nothing set: the sources of the default routes",
      toml: "",
      shown: ["10.0.0.9=10.0.0.9", "2001:4860::9=2001:4860::9"],
    },
    {
      name: "an external address alone goes with the route of its family",
      toml: '[relay]\nexternal_address = ["8.8.4.4"]',
      shown: ["10.0.0.9=8.8.4.4", "2001:4860::9=2001:4860::9"],
    },
    {
      name: "pairs",
      toml: '[relay]\naddress = ["10.0.0.9", "127.0.0.1"]\nexternal_address = ["8.8.4.4", "8.8.8.8"]',
      shown: ["10.0.0.9=8.8.4.4", "127.0.0.1=8.8.8.8"],
    },
    {
      name: "addresses without external ones show themselves",
      toml: '[relay]\naddress = ["127.0.0.1"]',
      shown: ["127.0.0.1=127.0.0.1"],
    },
  ];
  for (const { name, toml, shown } of vectors) {
    test(name, () => {
      const relays = relayAddresses(settingsOf(toml), host);
      assert.deepEqual(
        relays.map((relay) => `${formatIp(relay.local)}=${formatIp(relay.shown)}`),
        shown,
      );
    });
  }

  test("an island without a default route relays on what it has, never on link-local addresses", () => {
    const island = { ...host, defaultSources: [] };
    assert.deepEqual(
      relayAddresses(settingsOf(""), island).map(({ local }) => formatIp(local)),
      ["127.0.0.1", "::1"],
    );
  });
});

describe("what the world is told", () => {
  const bound = { udp: [parseAddress("[::]:3479")], tcp: [parseAddress("[::]:3478")], tls: [parseAddress("[::]:8443")] };

  test("the name is `hostname`, else the first external address", () => {
    assert.equal(publicName(settingsOf('hostname = "a.example"'), []), "a.example");
    assert.equal(
      publicName(settingsOf(""), relayAddresses(settingsOf('[relay]\nexternal_address = ["8.8.4.4"]'), host)),
      "8.8.4.4",
    );
  });

  test("ports are those in force, or those of [advertise]; what is off has none", () => {
    assert.deepEqual(endpoints(settingsOf(""), "a", bound), { hostname: "a", udp: 3479, tcp: 3478, tls: 8443, relay: true });
    const advertised = settingsOf("[advertise]\ntls = 443\n[relay]\nenabled = false");
    assert.deepEqual(endpoints(advertised, "a", { ...bound, tcp: [] }), { hostname: "a", udp: 3479, tls: 443, relay: false });
  });

  test("a private relayed address is a warning that names the setting; a public one is none", () => {
    const relays = relayAddresses(settingsOf(""), host);
    assert.match(warnings(settingsOf(""), relays).join(), /10\.0\.0\.9.*relay\.external_address/);
    assert.equal(warnings(settingsOf(""), relays).length, 1);
    assert.deepEqual(warnings(settingsOf("[relay]\nenabled = false"), relays), []);
  });

  test("few relayed ports, and one of a listener among them, are warnings that name the setting", () => {
    assert.deepEqual(warnings(settingsOf('[relay]\nports = "50000-50009"'), []), [
      "relay.ports is 50000-50009: no more than 10 allocations at a time have room there",
    ]);
    assert.deepEqual(warnings(settingsOf('[listen]\nudp = ["[::]:50000"]'), []), [
      "relay.ports holds 50000, a port of listen.udp: no relay can have that one",
    ]);
  });
});

describe("threads and shards", () => {
  test("as many relay threads as cores or as asked for; edge threads the same, at most eight", () => {
    assert.deepEqual(threadCounts(settingsOf(""), host), { relay: 4, edge: 4 });
    assert.deepEqual(threadCounts(settingsOf("[relay]\nworkers = 32"), host), { relay: 32, edge: 8 });
  });

  test("every limit and rule reaches the shard under its own name", () => {
    const toml = `[limits]\nallocations_per_credential = 1\nallocations_per_label = 2\nallocations_per_project = 3
bandwidth_per_allocation = 4\npeers_per_allocation = 5\nunauthenticated_replies_per_second = 6
[credentials]\non_expiry = "cut"\nmax_allocation_age = 7000\n[relay.peers]\nmin_port = 8\n[log]\nlevel = "debug"`;
    const { engine, ...shard } = shardSettings(settingsOf(toml), "realm", host.addresses, []);
    assert.deepEqual(shard.quota, { perCredential: 1, perLabel: 2, perProject: 3 });
    assert.deepEqual([shard.bytesPerSecond, shard.unauthenticatedRepliesPerSecond, shard.debug], [4, 6, true]);
    assert.deepEqual(
      [engine.realm, engine.onExpiry, engine.maxAllocationAgeSeconds, engine.peersPerAllocation],
      ["realm", "cut", 7000, 5],
    );
    assert.deepEqual([shard.peers.minPort, shard.peers.own], [8, host.addresses]);
  });

  test("RFC 5780 is on for two addresses with the same two ports each, and for nothing else", () => {
    const listen = (...texts: string[]) => texts.map(parseAddress);
    const discovery = (udp: ReturnType<typeof listen>) =>
      shardSettings(settingsOf(""), "r", [], udp).engine.behaviorDiscovery.length;
    assert.equal(discovery(listen("127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "127.0.0.2:2")), 4);
    assert.equal(discovery(listen("127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "127.0.0.2:3")), 0);
    assert.equal(discovery(listen("127.0.0.2:2", "127.0.0.1:1", "127.0.0.2:1", "127.0.0.1:2")), 4);
    assert.equal(discovery(listen("127.0.0.1:1", "127.0.0.1:2", "[::1]:1", "[::1]:2")), 0);
    assert.equal(discovery(listen("127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "127.0.0.3:2")), 0);
    assert.equal(discovery(listen("127.0.0.1:1", "127.0.0.1:2")), 0);
  });
});

test("JWT settings cross threads with the secret as octets, and HS256 is what a secret means", () => {
  const own = { id: "g", endpoints: { hostname: "h", relay: true }, version: "1", publicKey: undefined };
  assert.equal(apiSettings(settingsOf(""), own).jwt, undefined);
  const { jwt } = apiSettings(settingsOf(`[auth.jwt]\nsecret = "${"s".repeat(32)}"`), own);
  assert.deepEqual([jwt?.algorithms, jwt?.secretOctets?.length], [["HS256"], 32]);
});

test("what takes a restart is named; what does not is not", () => {
  const before = loaded("");
  assert.deepEqual(needRestart(before, loaded('[log]\nlevel = "warn"\n[limits]\nallocations_per_label = 7')), []);
  assert.deepEqual(needRestart(before, loaded('region = "us-east"\n[listen]\nudp = ["[::]:3478"]')), []);
  assert.deepEqual(needRestart(before, loaded('region = "eu-west"\n[listen]\nudp = []\n[relay]\nworkers = 1')), [
    "region",
    "listen.udp",
    "relay.workers",
  ]);
  const files = loaded('[tls]\ncertificate = "/c.pem"\nkey = "/k.pem"');
  assert.deepEqual(needRestart(before, files), []);
  assert.deepEqual(needRestart(files, before), ["tls.certificate"]);
});

function settingsOf(toml: string): Settings {
  return loaded(toml).settings;
}
