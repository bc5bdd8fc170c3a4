import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Probe } from "../src/client/probe.ts";
import { formatAddress, parseAddress, type TransportAddress } from "../src/net/address.ts";
import type { Cidr } from "../src/net/cidr.ts";
import { formatIp, type IpAddress, ipFrom, parseIp } from "../src/net/ip.ts";
import { DENIED_RANGES } from "../src/net/special-ranges.ts";
import { type Gateway, startGateway } from "../test/support/gateway.ts";
import { until, UdpPeer } from "../test/support/udp-peer.ts";
import { insideNamespace, mustIp } from "./support/namespace.ts";
import { TcpAllocation } from "./support/tcp-allocation.ts";
import { Verdicts } from "./support/verdicts.ts";

const PUBLIC = ["1.2.3.4", "2a00:1234::1"] as const;
const OUTSIDE = "icebreaker0";
/** A new interface introduces itself to the network for a while. */
const QUIET_MS = 3000;
const PORT = 4242;
/** An allocation has room for 256 peers over its life, refused ones not counted; a fresh one now and then is none the less wise. */
const ATTEMPTS_OF_AN_ALLOCATION = 200;

/** The same IPv4 address as somebody might write it. */
const ENCODINGS: readonly [string, (octets: Uint8Array) => IpAddress][] = [
  ["IPv4", (octets) => ipFrom(octets)],
  ["IPv4-mapped", (octets) => prefixed("::ffff:0:0", 12, octets)],
  ["IPv4-compatible", (octets) => prefixed("::", 12, octets)],
  ["NAT64", (octets) => prefixed("64:ff9b::", 12, octets)],
  ["6to4", (octets) => prefixed("2002::", 2, octets)],
];

/**
 * Whether a relay can be made to send where it must not: every row of the table of denied ranges, at its first, middle
 * and last address, in every encoding, by CreatePermission, ChannelBind, Send and Connect. The gateway stands in a network of its
 * own, in which every address is somewhere: whatever leaves it is counted where it leaves.
 */
if (await insideNamespace()) await attack();

async function attack(): Promise<void> {
  const verdicts = new Verdicts("attack-peers");
  for (const command of [
    `link add ${OUTSIDE} type veth peer name ${OUTSIDE}-far`,
    `link set ${OUTSIDE} arp off`,
    `link set ${OUTSIDE}-far up`,
    `link set ${OUTSIDE} up`,
    `addr add ${PUBLIC[0]}/32 dev ${OUTSIDE}`,
    `-6 addr add ${PUBLIC[1]}/128 dev ${OUTSIDE} nodad`,
    `route add default dev ${OUTSIDE} src ${PUBLIC[0]}`,
    `-6 route add default dev ${OUTSIDE}`,
  ]) {
    mustIp(command);
  }
  await sleep(QUIET_MS);
  const gateway = await startGateway({ settings: { relay: { address: [...PUBLIC], tcp: true } } });
  const ears = await Promise.all([...PUBLIC, "127.0.0.1", "127.0.0.53", "::1"].map((address) => UdpPeer.open(address)));
  const attacker = new Attacker(gateway);

  await control(attacker, verdicts);
  await sleep(QUIET_MS); // the connections of the control are asked for more than once
  const before = packetsOut();
  for (const peer of peersOf(ears)) await attacker.tryAll(peer);
  await sleep(200);
  verdicts.note(
    `${DENIED_RANGES.length} ranges, ${attacker.peers} peers in all encodings, ${attacker.requests} requests, ${attacker.indications} indications`,
  );
  verdicts.equal("requests that were granted", attacker.granted.length, 0);
  for (const granted of attacker.granted.slice(0, 10)) verdicts.note(granted);
  verdicts.equal("packets that left the host", packetsOut() - before, 0);
  verdicts.equal(
    "datagrams that arrived on it",
    ears.reduce((sum, ear) => sum + ear.received.length, 0),
    0,
  );
  for (const ear of ears) ear.close();
  attacker.close();
  await gateway.stop();
}

/** One who wants datagrams sent, with credentials, and allocations of either family. */
class Attacker {
  readonly granted: string[] = [];
  peers = 0;
  requests = 0;
  indications = 0;
  readonly #gateway: Gateway;
  #probes: Partial<Record<4 | 6, Probe>> = {};
  #tcp: Partial<Record<4 | 6, TcpAllocation>> = {};
  #attempts = 0;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** Asks for a peer in every way there is. */
  async tryAll(peer: TransportAddress): Promise<void> {
    this.peers++;
    const probe = await this.probe(peer.ip.family);
    const channel = 0x4000 + (this.#attempts % 0x0fff);
    for (const request of [
      { kind: "createPermission", peers: [peer] } as const,
      { kind: "channelBind", channel, peer } as const,
    ]) {
      this.requests++;
      const answer = await probe.ask(request);
      // Of an address that relays of ours have, a permission says nothing: ports are judged with each datagram.
      const mayBe = request.kind === "createPermission" && PUBLIC.some((own) => own === formatIp(peer.ip));
      const isRefused = answer.kind === "refused" && answer.code === 403;
      if (!isRefused && !mayBe) this.granted.push(`${request.kind} ${formatAddress(peer)}: ${JSON.stringify(answer)}`);
      this.indications++;
      probe.send(peer, Uint8Array.from([1, 2, 3]));
      probe.send(channel, Uint8Array.from([1, 2, 3]));
    }
    this.requests++;
    const code = await (await this.tcp(peer.ip.family)).connect(peer);
    if (code !== 403) this.granted.push(`connect ${formatAddress(peer)}: ${code}`);
  }

  /** A client with an allocation of a family. */
  async probe(family: 4 | 6): Promise<Probe> {
    if (this.#attempts++ % ATTEMPTS_OF_AN_ALLOCATION === 0) this.close();
    const probe = this.#probes[family] ?? (await this.#gateway.probe("udp", { credentials: await this.#gateway.mint() }));
    if (this.#probes[family] === undefined) await probe.must({ kind: "allocate", family });
    this.#probes[family] = probe;
    return probe;
  }

  /** A client with a TCP allocation of a family. */
  async tcp(family: 4 | 6): Promise<TcpAllocation> {
    this.#tcp[family] ??= await TcpAllocation.open(this.#gateway.ports.tcp, await this.#gateway.mint(), family);
    return this.#tcp[family];
  }

  close(): void {
    for (const allocation of Object.values(this.#tcp)) allocation.close();
    this.#tcp = {};
    for (const probe of Object.values(this.#probes)) probe.close();
    this.#probes = {};
  }
}

/** That datagrams to allowed peers do leave, and are counted. */
async function control(attacker: Attacker, verdicts: Verdicts): Promise<void> {
  for (const [family, peer] of [
    [4, parseAddress("9.9.9.9:4242")],
    [6, parseAddress("[2620:fe::fe]:4242")],
  ] as const) {
    const before = packetsOut();
    const probe = await attacker.probe(family);
    await probe.must({ kind: "createPermission", peers: [peer] });
    probe.send(peer, Uint8Array.from([1, 2, 3]));
    await until(() => packetsOut() > before, "a datagram to an allowed peer");
    const between = packetsOut();
    const connecting = (await attacker.tcp(family)).connect(peer).catch(() => 0); // nobody is there to answer
    await until(() => packetsOut() > between, "a connection to an allowed peer");
    verdicts.holds(
      `a datagram and a connection to ${formatAddress(peer)}, which nothing denies, leave the host and are counted`,
      true,
    );
    attacker.close();
    await connecting;
  }
}

function peersOf(ears: readonly UdpPeer[]): readonly TransportAddress[] {
  const addresses = DENIED_RANGES.flatMap(({ range }) => samplesOf(range)).flatMap((ip) =>
    ip.family === 4 ? ENCODINGS.map(([, encode]) => encode(ip.octets)) : [ip],
  );
  const own = ears.flatMap(({ address }) =>
    address.ip.family === 4 ? ENCODINGS.map(([, encode]) => ({ ip: encode(address.ip.octets), port: address.port })) : [address],
  );
  const seen = new Map([...addresses.map((ip) => ({ ip, port: PORT })), ...own].map((peer) => [formatAddress(peer), peer]));
  return [...seen.values()];
}

/** The first, the middle and the last address of a range. */
function samplesOf({ ip, bits }: Cidr): readonly IpAddress[] {
  return [0x00, 0x55, 0xff].map((fill) => {
    const octets = ip.octets.map((octet, i) => {
      const fixedBits = Math.max(0, Math.min(8, bits - 8 * i));
      const mask = 0xff & (0xff << (8 - fixedBits));
      return (octet & mask) | (fill & ~mask & 0xff);
    });
    return ipFrom(octets);
  });
}

function prefixed(prefix: string, offset: number, ipv4: Uint8Array): IpAddress {
  const octets = Uint8Array.from(parseIp(prefix).octets);
  octets.set(ipv4, offset);
  return ipFrom(octets);
}

/** What has left by the way out. */
function packetsOut(): number {
  const lines = readFileSync("/proc/net/dev", "utf8").split("\n");
  const line = lines.find((text) => text.trim().startsWith(`${OUTSIDE}:`)) ?? "";
  return Number(line.split(":")[1]?.trim().split(/\s+/)[9]);
}
