import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAddress } from "../src/net/address.ts";
import { ATTRIBUTE } from "../src/stun/attributes.ts";
import { CLASS, METHOD } from "../src/stun/header.ts";
import { MessageBuilder } from "../src/stun/message.ts";
import { type Gateway, startGateway } from "../test/support/gateway.ts";
import { Verdicts } from "./support/verdicts.ts";

/** Replies a second to one source, for the part in which it is kept to; ten times that to its prefix, five seconds' worth at once. */
const PER_SECOND = 40;
const BURST_SECONDS = 5;
const PREFIX_SHARE = 10;
/** A 401 is longest with a long realm: this one has twenty octets. */
const LONG_HOSTNAME = "relay.eu.example.com";
const CROWD = 1000;
const WITHIN_MS = 5000;

const verdicts = new Verdicts("attack-amplification");

/**
 * How much a liar about his address gets sent to somebody else: octets out for octets in, and replies a second to a
 * source and to its prefix. Then the honest crowd that such bounds must not turn away: a thousand clients behind one
 * address that join within five seconds, each with a Binding request and two allocations, with default limits.
 */
const gateway = await startGateway({ settings: { hostname: LONG_HOSTNAME } });
await measureFactors(gateway);
const tight = await startGateway({ settings: { limits: { unauthenticated_replies_per_second: PER_SECOND } } });
await measureBudget(tight);
await tight.stop();
await joinAtOnce(gateway);
await gateway.stop();

async function measureFactors({ ports }: Gateway): Promise<void> {
  const socket = await openSocket("127.0.0.1");
  const peer = parseAddress("1.1.1.1:9");
  const requests: readonly [string, MessageBuilder, number?][] = [
    ["Binding, 20 octets", request(METHOD.binding), 1.6],
    ["Binding with FINGERPRINT", request(METHOD.binding).fingerprint(), 1.6],
    ["Binding with an attribute that we do not know", request(METHOD.binding).add(ATTRIBUTE.padding, new Uint8Array(4)), 1.6],
    ["Allocate, 28 octets", request(METHOD.allocate).add(ATTRIBUTE.requestedTransport, 17), 2.9],
    ["Allocate, without any attribute", request(METHOD.allocate), 4],
    ["Refresh, 28 octets", request(METHOD.refresh).add(ATTRIBUTE.lifetime, 600), 2.9],
    ["CreatePermission, 32 octets", request(METHOD.createPermission).add(ATTRIBUTE.xorPeerAddress, peer), 2.9],
    [
      "ChannelBind, 40 octets",
      request(METHOD.channelBind).add(ATTRIBUTE.channelNumber, 0x4000).add(ATTRIBUTE.xorPeerAddress, peer),
      2.9,
    ],
  ];
  for (const [what, builder, most = 2.9] of requests) {
    const bytes = builder.build();
    const reply = await answerTo(socket, ports.udp, bytes);
    verdicts.atMost(`${what}: ${reply.length} octets for ${bytes.length}`, reply.length / bytes.length, most);
  }
  socket.close();
}

async function measureBudget({ ports }: Gateway): Promise<void> {
  const bytes = request(METHOD.allocate).add(ATTRIBUTE.requestedTransport, 17).build();
  // One source, from so many ports that all threads hear of it.
  const one = await flood(await Promise.all(Array.from({ length: 64 }, () => openSocket("127.0.0.1"))), ports.udp, bytes, 10_000);
  verdicts.atMost(
    `replies to one address for ${one.sent} requests in ${one.seconds.toFixed(1)} s`,
    one.replies,
    allowed(one.seconds, 1),
  );
  const prefix = Array.from({ length: 250 }, (_, i) => openSocket(`127.0.7.${i + 1}`));
  const many = await flood(await Promise.all(prefix), ports.udp, bytes, 40_000);
  const what = `replies to 250 addresses of one /24 for ${many.sent} requests in ${many.seconds.toFixed(1)} s`;
  verdicts.atMost(what, many.replies, allowed(many.seconds, PREFIX_SHARE));
}

/** With one in a hundred for counts that threads make in the same instant. */
function allowed(seconds: number, share: number): number {
  return Math.ceil(1.01 * share * PER_SECOND * (BURST_SECONDS + seconds));
}

async function flood(
  sockets: readonly Socket[],
  port: number,
  bytes: Uint8Array,
  count: number,
): Promise<{ sent: number; replies: number; seconds: number }> {
  let replies = 0;
  for (const socket of sockets) socket.on("message", () => replies++);
  const begun = performance.now();
  for (let sent = 0; sent < count; sent++) {
    sockets[sent % sockets.length]?.send(bytes, port, "127.0.0.1");
    if (sent % 100 === 99) await sleep(1);
  }
  await sleep(300);
  for (const socket of sockets) socket.close();
  return { sent: count, replies, seconds: (performance.now() - begun) / 1000 };
}

async function joinAtOnce(gateway: Gateway): Promise<void> {
  const failures: string[] = [];
  const closers: (() => void)[] = [];
  let slowestMs = 0;
  const join = async (delayMs: number): Promise<void> => {
    await sleep(delayMs);
    const begun = performance.now();
    const headers = { authorization: `Bearer ${gateway.key}` };
    const { status, text } = await gateway.ask({ path: "/v1/credentials", method: "POST", headers });
    if (status !== 200) throw new Error(`The mint was answered ${status}`);
    const credentials = JSON.parse(text);
    const probes = [await gateway.probe("udp", { credentials }), await gateway.probe("udp", { credentials })];
    closers.push(...probes.map((probe) => () => probe.close()));
    await probes[0]?.must({ kind: "binding" });
    await Promise.all(probes.map((probe) => probe.must({ kind: "allocate" })));
    slowestMs = Math.max(slowestMs, performance.now() - begun);
  };
  const crowd = Array.from({ length: CROWD }, (_, i) =>
    join((i * WITHIN_MS) / CROWD).catch((error: unknown) => void failures.push(String(error))),
  );
  await Promise.all(crowd);
  verdicts.equal(
    `of ${CROWD} clients behind one address that join within five seconds, two allocations each, refused`,
    failures.length,
    0,
  );
  verdicts.note(`the slowest was in after ${slowestMs.toFixed(0)} ms${failures.length > 0 ? `; ${failures[0]}` : ""}`);
  for (const close of closers) close();
}

function request(method: number): MessageBuilder {
  return new MessageBuilder(method, CLASS.request, crypto.getRandomValues(new Uint8Array(12)));
}

async function openSocket(address: string): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 1_000_000 });
  socket.bind(0, address);
  await once(socket, "listening");
  socket.on("error", () => {});
  return socket;
}

async function answerTo(socket: Socket, port: number, bytes: Uint8Array): Promise<Uint8Array> {
  const answered = once(socket, "message", { signal: AbortSignal.timeout(2000) });
  socket.send(bytes, port, "127.0.0.1");
  const [reply] = await answered;
  return reply;
}
