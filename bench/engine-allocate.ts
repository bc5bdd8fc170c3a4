import { createHash } from "node:crypto";
import { ProjectAuthority } from "../src/credentials/authority.ts";
import { credentialKey, mint } from "../src/credentials/credential.ts";
import { SharedTraffic } from "../src/forward/traffic.ts";
import { randomFrom } from "../src/lib/random.ts";
import { Secret } from "../src/lib/secret.ts";
import type { FiveTuple } from "../src/net/address.ts";
import { parseAddress } from "../src/net/address.ts";
import { ipFrom, parseIp } from "../src/net/ip.ts";
import { LocalQuota } from "../src/policy/quota.ts";
import { ATTRIBUTE } from "../src/stun/attributes.ts";
import { CLASS, METHOD } from "../src/stun/header.ts";
import { longTermKey } from "../src/stun/integrity.ts";
import { Message, MessageBuilder } from "../src/stun/message.ts";
import { Engine } from "../src/turn/engine.ts";
import { SETTINGS } from "../test/support/simulated-host.ts";
import { nanosecondsPer, seeded } from "./support/measure.ts";

const CLIENTS = 1_500;
const ROUNDS = 5;
const REALM = SETTINGS.realm;
const now = { monotonicMs: 60_000, unixMs: 1_700_000_000_000 };
const peer = parseAddress("198.51.100.1:9");
const octet = seeded(1);
const random = randomFrom((count) => Uint8Array.from({ length: count }, () => octet(256)));
const project = { id: "project_ab12", secret: new Secret(random.bytes(32)) };
const engine = newEngine();

/** What the engine costs for a client that comes, is challenged, allocates, binds a channel and goes, each with its own credential. */
const clients = Array.from({ length: CLIENTS * ROUNDS }, (_, i) => newClient(i));
const challenge = measured((i) => handle(i, new MessageBuilder(METHOD.allocate, CLASS.request, id(i)).build()));
const setUp = measured((i) => {
  handle(i, clients[i]?.allocate);
  handle(i, clients[i]?.channelBind);
});
const indication = new MessageBuilder(METHOD.send, CLASS.indication, id(1)).add(ATTRIBUTE.xorPeerAddress, peer);
indication.add(ATTRIBUTE.data, new Uint8Array(160));
const send = measured((i) => handle(i, indication.build()));
const data = measured((i) => engine.handle({ kind: "peerDatagram", relay: i + 1, peer, bytes: new Uint8Array(160) }, now));
const tearDown = measured((i) => handle(i, clients[i]?.refresh));

process.stdout.write(
  `engine-allocate, a new credential each: 401 ${challenge} µs, Allocate + ChannelBind ${setUp} µs, Refresh of 0 ${tearDown} µs; ` +
    `of 160 octets, a Send ${send} µs, a Data indication of an unbound port ${data} µs\n`,
);

/** Microseconds for each client, of the fastest round; each round has clients of its own. */
function measured(step: (i: number) => unknown): number {
  let at = 0;
  return Math.round(nanosecondsPer(CLIENTS, () => step(at++)) / 10) / 100;
}

function handle(i: number, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) throw new Error("There is no such client");
  const actions = engine.handle({ kind: "message", from: fromOf(i), bytes }, now);
  if (actions.length === 0) throw new Error("Nothing came of it");
}

/** A client's requests, made beforehand. */
function newClient(i: number): { allocate: Uint8Array; channelBind: Uint8Array; refresh: Uint8Array } {
  const { username, credential } = mint(credentialKey(project, "us-east"), { ttl: 3600, label: `${i}` }, now);
  const [answer] = engine.handle(
    { kind: "message", from: fromOf(i), bytes: new MessageBuilder(METHOD.allocate, 0, id(i)).build() },
    now,
  );
  const nonce = answer?.kind === "send" ? Message.decode(answer.bytes)?.nonce : undefined;
  if (nonce === undefined) throw new Error("A 401 has a nonce");
  const key = longTermKey(username, REALM, credential);
  const request = (method: number, fill: (builder: MessageBuilder) => unknown): Uint8Array => {
    const builder = new MessageBuilder(method, CLASS.request, id(i));
    fill(builder);
    builder.add(ATTRIBUTE.username, username).add(ATTRIBUTE.realm, REALM).add(ATTRIBUTE.nonce, nonce);
    return builder.sign(key).build();
  };
  return {
    allocate: request(METHOD.allocate, (b) => b.add(ATTRIBUTE.requestedTransport, 17)),
    channelBind: request(METHOD.channelBind, (b) =>
      b.add(ATTRIBUTE.channelNumber, 0x4000).add(ATTRIBUTE.xorPeerAddress, parseAddress("198.51.100.1:10")),
    ),
    refresh: request(METHOD.refresh, (b) => b.add(ATTRIBUTE.lifetime, 0)),
  };
}

function fromOf(i: number): FiveTuple {
  const client = { ip: ipFrom(Uint8Array.of(192, 0, 2, i >> 12)), port: 1024 + (i & 4095) };
  return { transport: "udp", client, server: parseAddress("192.0.2.100:3478"), socket: 0, local: 0 };
}

function id(i: number): Uint8Array {
  return createHash("sha256").update(`${i}`).digest().subarray(0, 12);
}

function newEngine(): Engine {
  let relays = 0;
  const slots = CLIENTS * ROUNDS;
  const ip = parseIp("203.0.113.7");
  const allowed = { allowed: true, rule: "all" };
  return new Engine(SETTINGS, {
    shard: 0,
    shards: 1,
    authority: new ProjectAuthority({ project: () => project, isRevoked: () => false }, "us-east"),
    quota: new LocalQuota({ perCredential: 10, perLabel: 10, perProject: 0 }),
    peers: { judgeIp: () => allowed, judge: () => allowed },
    relays: {
      open: () => ({ id: ++relays, address: { ip, port: 1024 + (relays & 0x7fff) } }),
      redeem: () => undefined,
      cancel: () => {},
      wireOf: (address) => address,
      isLive: () => false,
      canSurrender: false,
      placeOf: () => undefined,
      ownerOf: () => undefined,
      surrender: () => undefined,
      adopt: () => undefined,
    },
    traffic: new SharedTraffic(SharedTraffic.memory(slots), { first: 0, count: slots }, { bytesPerSecond: 0 }),
    budget: { allows: () => true },
    random,
    nonceSecret: new Secret(random.bytes(32)),
  });
}
