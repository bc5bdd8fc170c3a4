import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { parseArgs } from "node:util";
import { ATTRIBUTE } from "../src/stun/attributes.ts";
import { CLASS, METHOD } from "../src/stun/header.ts";
import { MessageBuilder } from "../src/stun/message.ts";
import { HOSTNAME, startGateway } from "../test/support/gateway.ts";
import { allocate, hangUp, hearsItself } from "../test/support/talk.ts";
import { metric } from "./support/metrics.ts";
import { Verdicts } from "./support/verdicts.ts";

const { values } = parseArgs({ options: { connections: { type: "string", default: "2000" } } });
const CONNECTIONS = Number(values.connections);
/** Handshakes at the same time: of ours, who pay as much for each as the server. */
const AT_ONCE = 50;
/** Beyond a deadline: timers and a busy machine. */
const GRACE_MS = 3000;
const DEADLINE_MS = 10_000;
/** What an honest call may take while all that is going on, to be not affected: no retransmission is needed. */
const HONEST_MS = 1000;

const verdicts = new Verdicts("attack-slow-loris");
const gateway = await startGateway();
const { tls: port } = gateway.ports;

/** Where connections stop: what they do first, and by when they must be gone after that. */
const STAGES: readonly [string, () => Promise<Socket>, number][] = [
  ["before the ClientHello", () => plain(), DEADLINE_MS],
  ["in the middle of a ClientHello", () => plain(Uint8Array.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 7, 7, 7])), DEADLINE_MS],
  ["after the handshake", () => secure(), DEADLINE_MS],
  ["in the middle of an HTTP header", () => secure("GET /healthz HTTP/1.1\r\nHost: relay.test\r\nX-Slow: "), DEADLINE_MS],
  ["in the middle of an HTTP body", () => secure(HALF_BODY), DEADLINE_MS],
  ["in the middle of a STUN message", () => secure(ALLOCATE.subarray(0, 24)), DEADLINE_MS],
  ["after a 401", () => challenged(), DEADLINE_MS],
];

const HALF_BODY = `POST /v1/credentials HTTP/1.1\r\nHost: relay.test\r\nAuthorization: Bearer x\r\nContent-Length: 100\r\n\r\n{"ttl"`;
const ALLOCATE = new MessageBuilder(METHOD.allocate, CLASS.request, new Uint8Array(12).fill(5))
  .add(ATTRIBUTE.requestedTransport, 17)
  .build();

/**
 * Connections that stop and stay, at each stage that there is on 443: all must be gone by their deadline, and honest
 * calls on the same port must not notice.
 */
const residentBefore = await gateway.residentBytes();
const call = await allocate(await gateway.probe("tls", { credentials: await gateway.mint() }));
let worstHonestMs = 0;
let honest = 0;
let attacking = true;
const honestCalls = (async () => {
  while (attacking) {
    const begun = performance.now();
    const caller = await allocate(await gateway.probe("tls", { credentials: await gateway.mint() }));
    await hearsItself(caller);
    await hangUp(caller);
    await hearsItself(call);
    worstHonestMs = Math.max(worstHonestMs, performance.now() - begun);
    honest++;
    await sleep(250);
  }
})();

for (const [what, open, deadlineMs] of STAGES) {
  const lives: Promise<number>[] = [];
  for (let opened = 0; opened < CONNECTIONS; opened += AT_ONCE) {
    const some = await Promise.all(Array.from({ length: Math.min(AT_ONCE, CONNECTIONS - opened) }, open));
    const stopped = performance.now();
    lives.push(...some.map((socket) => lifeOf(socket, stopped)));
  }
  const longest = Math.max(...(await Promise.all(lives)));
  verdicts.atMost(
    `of ${CONNECTIONS} that stop ${what}, the last is gone after`,
    longest / 1000,
    (deadlineMs + GRACE_MS) / 1000,
    " s",
  );
}
attacking = false;
await honestCalls;
verdicts.atMost(
  `slowest of ${honest} honest calls meanwhile: mint, TLS, allocation, a packet there and back`,
  worstHonestMs,
  HONEST_MS,
  " ms",
);
await hangUp(call);
await sleep(500);
verdicts.equal("connections that are left", await metric(gateway, "stream_connections"), 0);
verdicts.note(`memory grew by ${Math.round(((await gateway.residentBytes()) - residentBefore) / 1e6)} MB`);
await gateway.stop();

async function plain(head = new Uint8Array(0)): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  await once(socket, "connect");
  if (head.length > 0) socket.write(head);
  return socket;
}

async function secure(head: string | Uint8Array = ""): Promise<Socket> {
  const socket = connectTls({ host: "127.0.0.1", port, ca: gateway.authority.pem, servername: HOSTNAME });
  await once(socket, "secureConnect");
  if (head.length > 0) socket.write(head);
  return socket;
}

async function challenged(): Promise<Socket> {
  const socket = await secure(ALLOCATE);
  await once(socket, "data");
  return socket;
}

/** How long it lived from a moment on, in milliseconds. */
async function lifeOf(socket: Socket, since: number): Promise<number> {
  socket.on("error", () => {});
  socket.on("data", () => {});
  if (!socket.destroyed) await once(socket, "close");
  return performance.now() - since;
}
