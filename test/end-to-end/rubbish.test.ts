import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import type { Probe } from "../../src/client/probe.ts";
import { type Gateway, HOSTNAME, startGateway } from "../support/gateway.ts";
import { Rubbish } from "../support/rubbish.ts";
import { shared, SLOW, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself } from "../support/talk.ts";

const DATAGRAMS = 1_000_000;
const CONNECTIONS = 10_000;
/** So much of it before memory is looked at first: until code is compiled and heaps have the size that such work wants. */
const WARM_UP = 0.02;
const GROWTH_OCTETS = 16 * 1024 * 1024;
const SETTLE_MS = 30_000;
/** Datagrams between two requests of the same client, whose answers say that they were read. */
const BETWEEN = 100;
const CLIENTS = 8;
const AT_ONCE = 100;
const SEED = 20_301;

/**
 * Goal: strangers cannot make it grow, nor keep it from answering.
 *
 * Method: rubbish with a fixed seed at each door; memory of the process after each is compared with before. Datagrams
 * come from clients that have an allocation, whose refreshes in between make sure that nothing was left unread, and
 * as many again for every eighth from a socket without one.
 */
describe(`rubbish at each door, seed ${SEED}`, () => {
  const gateway = shared(() => startGateway());
  const rubbish = new Rubbish(SEED);

  test(`memory is where it was after ${DATAGRAMS} malformed or mutated datagrams`, SLOW, async () => {
    const running = await gateway();
    const credentials = await running.mint();
    const talkers = await Promise.all(
      Array.from({ length: CLIENTS }, async () => allocate(await running.probe("udp", { credentials }))),
    );
    const probes = talkers.map(({ probe }) => probe);
    await sendDatagrams(running, probes, rubbish, DATAGRAMS * WARM_UP);
    const before = await running.residentBytes();
    await sendDatagrams(running, probes, rubbish, DATAGRAMS);
    await assertNoGrowth(running, before);
    for (const talker of talkers) {
      talker.probe.takeArrived();
      await hearsItself(talker);
      await hangUp(talker);
    }
  });

  test(`memory is where it was after ${CONNECTIONS} connections of rubbish`, SLOW, async () => {
    const running = await gateway();
    await knock(running, rubbish, CONNECTIONS * WARM_UP);
    const before = await running.residentBytes();
    await knock(running, rubbish, CONNECTIONS);
    await assertNoGrowth(running, before);
    for (const transport of ["udp", "tcp", "tls"] as const) {
      const talker = await allocate(await running.probe(transport, { credentials: await running.mint() }));
      await hearsItself(talker);
      await hangUp(talker);
    }
    assert.equal((await running.ask({ path: "/healthz", over: "tls" })).status, 200);
  });
});

async function sendDatagrams(running: Gateway, probes: readonly Probe[], rubbish: Rubbish, count: number): Promise<void> {
  const stranger = createSocket("udp4");
  await new Promise<void>((resolve) => stranger.connect(running.ports.udp, "127.0.0.1", resolve));
  stranger.on("error", () => {});
  const share = Math.ceil(count / probes.length);
  await Promise.all(
    probes.map(async (probe) => {
      for (let sent = 0; sent < share; sent++) {
        if (sent % 8 === 0) stranger.send(rubbish.datagram(), () => {});
        else probe.sendRaw(rubbish.datagram());
        if (sent % BETWEEN === BETWEEN - 1) await probe.must({ kind: "refresh", lifetimeSeconds: 3600 });
      }
    }),
  );
  stranger.close();
}

async function knock(running: Gateway, rubbish: Rubbish, count: number): Promise<void> {
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => knockOnce(running, rubbish, i % 10)));
  }
}

/** One connection: rubbish, and gone. Half of them go by a reset. */
async function knockOnce({ ports, authority }: Gateway, rubbish: Rubbish, kind: number): Promise<void> {
  const port = kind < 3 ? ports.tcp : kind === 3 ? ports.http : ports.tls;
  const secure = kind === 9;
  const socket = secure
    ? connectTls({ host: "127.0.0.1", port, ca: authority.pem, servername: HOSTNAME })
    : connect({ host: "127.0.0.1", port });
  await new Promise<void>((resolve) => {
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.once(secure ? "secureConnect" : "connect", () => {
      socket.write(kind < 3 ? rubbish.datagram() : kind < 7 ? rubbish.octets(600) : rubbish.mutated(HELLO), () =>
        leave(socket, kind),
      );
    });
  });
}

function leave(socket: Socket, kind: number): void {
  if (kind % 2 === 0) socket.destroy();
  else if (kind % 4 === 1) socket.resetAndDestroy();
  else socket.end(() => socket.destroy());
}

async function assertNoGrowth(running: Gateway, before: number): Promise<void> {
  let after = 0;
  const settled = async (): Promise<boolean> => {
    after = await running.residentBytes();
    return after - before < GROWTH_OCTETS;
  };
  await until(settled, SETTLE_MS, "Memory within 16 MB of before").catch((error: Error) => {
    throw new Error(`${error.message}: ${before} octets before, ${after} after`);
  });
}

/** The beginning of a ClientHello, for mutation. */
const HELLO = Uint8Array.from([
  ...[0x16, 3, 1, 0, 0x45, 1, 0, 0, 0x41, 3, 3, ...new Array<number>(32).fill(0x5a), 0, 0, 2, 0x13, 1, 1, 0, 0, 0x16],
  ...[0, 0, 0, 0x0f, 0, 0x0d, 0, 0, 0x0a, 0x72, 0x65, 0x6c, 0x61, 0x79, 0x2e, 0x74, 0x65, 0x73, 0x74, 0, 0x2b, 0, 3, 2, 3, 4],
]);
