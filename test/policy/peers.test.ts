import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../../src/net/address.ts";
import { formatCidr, parseCidr } from "../../src/net/cidr.ts";
import { equalIp, formatIp, type IpAddress, ipFrom, parseIp } from "../../src/net/ip.ts";
import { PeerRules } from "../../src/policy/peers.ts";
import type { LiveRelays } from "../../src/policy/ports.ts";

/** Every row of the contract, in its words: the first, one in the middle, the last, and what lies just outside. */
const denied4 = [
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24",
  "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32",
].flatMap((line) => line.split(" "));
const denied6 = [
  "::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8",
].flatMap((line) => line.split(" "));

/** The ways in which an IPv6 address stands for an IPv4 address. */
const encodings: readonly { name: string; encode: (ip: IpAddress) => IpAddress }[] = [
  { name: "IPv4-mapped", encode: (ip) => behind("::ffff:0:0", 12, ip) },
  { name: "NAT64", encode: (ip) => behind("64:ff9b::", 12, ip) },
  { name: "6to4", encode: (ip) => behind("2002::", 2, ip) },
  { name: "6to4 with a subnet and a host", encode: (ip) => behind("2002:0:0:1::abcd", 2, ip) },
];

describe("what is denied by default", () => {
  for (const cidr of [...denied4, ...denied6]) {
    test(`${cidr}: the first, the middle and the last address, with any port`, () => {
      for (const ip of inside(cidr)) {
        assert.match(judgeIp(ip).rule, /^denied by default: /, formatIp(ip));
        assert.equal(judgeIp(ip).allowed, false);
        assert.equal(rules({}).judge({ ip, port: 50_000 }).allowed, false);
      }
      assert.ok(judgeIp(parseCidr(cidr).ip).rule.startsWith(`denied by default: ${cidr} (`));
    });

    test(`${cidr}: the addresses just outside are allowed, if no other row denies them`, () => {
      const all = [...denied4, ...denied6];
      for (const ip of outside(cidr)) {
        const elsewhere = all.some((row) => row !== cidr && holds(row, ip));
        assert.equal(judgeIp(ip).allowed, !elsewhere, formatIp(ip));
      }
    });
  }

  for (const { name, encode } of encodings) {
    for (const cidr of denied4) {
      test(`${cidr} as ${name}`, () => {
        for (const ip of inside(cidr)) {
          const { allowed, rule } = judgeIp(encode(ip));
          assert.equal(allowed, false, formatIp(encode(ip)));
          assert.equal(rule, `${judgeIp(ip).rule}, as ${formatIp(ip)}`);
        }
        for (const ip of outside(cidr)) {
          const elsewhere = denied4.some((row) => holds(row, ip));
          assert.equal(judgeIp(encode(ip)).allowed, !elsewhere, formatIp(encode(ip)));
        }
      });
    }
  }

  test("IPv4-compatible addresses, whatever they embed", () => {
    for (const text of ["::8.8.8.8", "::10.0.0.1", "::1", "::"]) assert.equal(judgeIp(parseIp(text)).allowed, false, text);
  });

  test("our own addresses, in each form, as they are at the moment of asking", () => {
    let own = [parseIp("8.8.4.4"), parseIp("2606:4700::1")];
    const asked = rules({ own: () => own });
    const forms = [parseIp("8.8.4.4"), ...encodings.map(({ encode }) => encode(parseIp("8.8.4.4"))), parseIp("2606:4700::1")];
    for (const ip of forms) assert.equal(asked.judgeIp(ip).allowed, false, formatIp(ip));
    own = [];
    for (const ip of forms) assert.equal(asked.judgeIp(ip).allowed, true, formatIp(ip));
  });
});

/** The first rule that applies decides: each row says which, among all that could. */
const order = [
  { peer: "8.8.8.8:50", expect: "allowed: no rule denies it" },
  { peer: "10.1.2.3:50", expect: "denied by default: 10.0.0.0/8 (private use)" },
  { peer: "10.1.2.3:50", allow: ["10.1.0.0/16"], expect: "allowed by relay.peers.allow: 10.1.0.0/16" },
  { peer: "10.2.2.3:50", allow: ["10.1.0.0/16"], expect: "denied by default: 10.0.0.0/8 (private use)" },
  { peer: "8.8.8.8:50", deny: ["8.0.0.0/8"], expect: "denied by relay.peers.deny: 8.0.0.0/8" },
  { peer: "8.8.8.8:50", deny: ["8.0.0.0/8"], allow: ["8.8.8.8/32"], expect: "allowed by relay.peers.allow: 8.8.8.8/32" },
  { peer: "8.8.8.8:50", deny: ["8.8.8.8/32"], allow: ["8.0.0.0/8"], expect: "allowed by relay.peers.allow: 8.0.0.0/8" },
  { peer: "8.8.8.8:50", only: ["9.9.9.0/24"], expect: "denied by relay.peers.only" },
  { peer: "9.9.9.1:50", only: ["9.9.9.0/24"], expect: "allowed by relay.peers.only: 9.9.9.0/24" },
  { peer: "10.0.0.9:50", only: ["10.0.0.0/24"], expect: "allowed by relay.peers.only: 10.0.0.0/24" },
  { peer: "9.9.9.1:50", only: ["9.9.9.0/24"], deny: ["9.9.9.1/32"], expect: "denied by relay.peers.deny: 9.9.9.1/32" },
  { peer: "8.8.8.8:50", only: ["9.9.9.0/24"], allow: ["8.8.8.8/32"], expect: "allowed by relay.peers.allow: 8.8.8.8/32" },
  { peer: "8.8.4.4:50", own: ["8.8.4.4"], expect: "denied by default: an address of this host or its database" },
  { peer: "8.8.4.4:50", own: ["8.8.4.4"], only: ["8.8.4.4/32"], expect: "allowed by relay.peers.only: 8.8.4.4/32" },
  { peer: "8.8.8.8:0", allow: ["8.8.8.8/32"], expect: "denied: port 0" },
  { peer: "8.8.8.8:1023", minPort: 1024, allow: ["8.8.8.8/32"], expect: "denied by relay.peers.min_port: ports below 1024" },
  { peer: "8.8.8.8:1024", minPort: 1024, expect: "allowed: no rule denies it" },
  // Both forms are judged by all rules.
  { peer: "[64:ff9b::a01:203]:50", allow: ["10.1.0.0/16"], expect: "allowed by relay.peers.allow: 10.1.0.0/16, as 10.1.2.3" },
  { peer: "[::ffff:10.1.2.3]:50", allow: ["::ffff:0:0/96"], expect: "denied by default: 10.0.0.0/8 (private use), as 10.1.2.3" },
  { peer: "[64:ff9b::a01:203]:50", allow: ["::/0"], expect: "denied by default: 10.0.0.0/8 (private use), as 10.1.2.3" },
  {
    peer: "[::10.1.2.3]:50",
    allow: ["10.1.0.0/16"],
    expect: "denied by default: ::/96 (unspecified, loopback and IPv4-compatible)",
  },
  { peer: "[::10.1.2.3]:50", allow: ["10.1.0.0/16", "::/96"], expect: "allowed by relay.peers.allow: 10.1.0.0/16, as 10.1.2.3" },
  { peer: "[64:ff9b::808:808]:50", deny: ["8.8.8.8/32"], expect: "denied by relay.peers.deny: 8.8.8.8/32, as 8.8.8.8" },
  { peer: "[64:ff9b::808:808]:50", deny: ["64:ff9b::/96"], expect: "denied by relay.peers.deny: 64:ff9b::/96" },
  { peer: "[64:ff9b::909:901]:50", only: ["9.9.9.0/24"], expect: "denied by relay.peers.only" },
  { peer: "[2002:909:901::1]:50", only: ["2002::/16"], expect: "denied by relay.peers.only, as 9.9.9.1" },
];

describe("the order of the rules", () => {
  for (const { peer, expect, ...settings } of order) {
    test(`${peer} under ${JSON.stringify(settings)}: ${expect}`, () => {
      assert.deepEqual(rules(settings).judge(parseAddress(peer)), { allowed: expect.startsWith("allowed"), rule: expect });
    });
  }

  test("CreatePermission does not look at ports", () => {
    assert.ok(rules({ minPort: 60_000 }).judgeIp(parseIp("8.8.8.8")).allowed);
  });
});

describe("a relayed address of ours", () => {
  const relays: LiveRelays = {
    hasAddress: (ip) => equalIp(ip, parseIp("10.9.9.9")),
    isLive: ({ ip, port }) => equalIp(ip, parseIp("10.9.9.9")) && port === 50_000,
  };
  const everythingDenied = { relays, own: ["10.9.9.9"], deny: ["10.0.0.0/8"], only: ["9.9.9.9/32"], minPort: 60_000 };

  test("is allowed while it is live, whatever the other rules say", () => {
    const asked = rules(everythingDenied);
    assert.ok(asked.judge(parseAddress("10.9.9.9:50000")).allowed);
    assert.ok(asked.judgeIp(parseIp("10.9.9.9")).allowed);
  });

  test("opens no other port of its address, and no other form of it", () => {
    const asked = rules({ ...everythingDenied, minPort: 1 });
    for (const other of ["10.9.9.9:50001", "10.9.9.9:22", "10.9.9.9:0", "[::ffff:10.9.9.9]:50000", "10.9.9.8:50000"]) {
      assert.equal(asked.judge(parseAddress(other)).allowed, false, other);
    }
    assert.equal(asked.judgeIp(parseIp("::ffff:10.9.9.9")).allowed, false);
  });
});

interface RulesText {
  allow?: readonly string[];
  deny?: readonly string[];
  only?: readonly string[];
  own?: readonly string[] | (() => readonly IpAddress[]);
  minPort?: number;
  relays?: LiveRelays;
}

const noRelays: LiveRelays = { hasAddress: () => false, isLive: () => false };

function rules({ allow = [], deny = [], only = [], own = [], minPort = 1, relays = noRelays }: RulesText): PeerRules {
  return new PeerRules({
    allow: allow.map(parseCidr),
    deny: deny.map(parseCidr),
    only: only.map(parseCidr),
    own: typeof own === "function" ? own : own.map(parseIp),
    minPort,
    relays,
  });
}

function judgeIp(ip: IpAddress): { allowed: boolean; rule: string } {
  return rules({}).judgeIp(ip);
}

/** The first, the middle and the last address of a range. */
function inside(cidr: string): IpAddress[] {
  const [first, last] = ends(cidr);
  return [first, (first + last) / 2n, last].map((value) => fromNumber(value, cidr));
}

/** What lies just before and just behind a range, where there is such an address. */
function outside(cidr: string): IpAddress[] {
  const [first, last] = ends(cidr);
  const end = 1n << BigInt(8 * parseCidr(cidr).ip.octets.length);
  return [first - 1n, last + 1n].filter((value) => value >= 0n && value < end).map((value) => fromNumber(value, cidr));
}

function holds(cidr: string, ip: IpAddress): boolean {
  const [first, last] = ends(cidr);
  const value = toNumber(ip);
  return parseCidr(cidr).ip.family === ip.family && value >= first && value <= last;
}

function ends(cidr: string): [bigint, bigint] {
  const { ip, bits } = parseCidr(cidr);
  assert.equal(formatCidr({ ip, bits }), cidr);
  const first = toNumber(ip);
  return [first, first + (1n << BigInt(8 * ip.octets.length - bits)) - 1n];
}

function toNumber({ octets }: IpAddress): bigint {
  return octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
}

function fromNumber(value: bigint, like: string): IpAddress {
  const length = parseCidr(like).ip.octets.length;
  return ipFrom(Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn)));
}

function behind(prefix: string, offset: number, ip: IpAddress): IpAddress {
  const octets = parseIp(prefix).octets.slice();
  octets.set(ip.octets, offset);
  return ipFrom(octets);
}
