import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Transport } from "../../src/net/address.ts";
import { type Gateway, type Minted, startGateway } from "../support/gateway.ts";
import { needs } from "../support/needs.ts";
import { shared, UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself, type Talker, talk } from "../support/talk.ts";
import { uclient } from "../support/uclient.ts";

const DATA_MS = 5000;
const CHANNEL = 0x4001;

/**
 * Goal: an allocation goes wherever its client does (RFC 8016): to another port, so that it is as likely as not another
 * relay thread; to TCP and TLS, which are other threads always; and back.
 */
describe("mobility", () => {
  const gateway = shared(() => startGateway());

  for (const [from, to] of [
    ["udp", "udp"],
    ["udp", "tcp"],
    ["udp", "tls"],
    ["tls", "udp"],
    ["tcp", "tls"],
  ] as const) {
    test(`from ${from} to ${to} and back, with its channel and its peer`, UNHURRIED, async () => {
      const running = await gateway();
      const credentials = await running.mint({ label: `${from}-${to}` });
      const peer = await allocate(await running.probe("udp", { credentials }));
      let mover = await mobile(running, from, credentials);
      await talk({ ...mover }, peer, CHANNEL);
      for (let round = 0; round < 6; round++) {
        mover = await move(running, mover, round % 2 === 0 ? to : from, credentials);
        mover.probe.knowChannel(CHANNEL, peer.relayed);
        await exchange(mover, peer);
      }
      await hangUp(mover);
      await hangUp(peer);
    });
  }

  test("sixteen moves over UDP, which hit both threads, lose no datagram of the peer's", UNHURRIED, async () => {
    const running = await gateway();
    const credentials = await running.mint({ label: "steady" });
    const peer = await allocate(await running.probe("udp", { credentials }));
    let mover = await mobile(running, "udp", credentials);
    await talk(mover, peer, CHANNEL);
    const probes = [mover.probe];
    let sent = 0;
    const sender = setInterval(() => {
      peer.probe.send(CHANNEL, new Uint8Array(100).fill(sent++));
    }, 1);
    for (let i = 0; i < 16; i++) {
      mover = await move(running, mover, "udp", credentials, false);
      mover.probe.knowChannel(CHANNEL, peer.relayed);
      mover.probe.send(CHANNEL, new Uint8Array(1));
      probes.push(mover.probe);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    clearInterval(sender);
    let received = 0;
    await until(
      () => {
        for (const probe of probes) received += probe.takeArrived().length;
        return received === sent;
      },
      DATA_MS,
      `All of ${sent} datagrams`,
    );
    for (const probe of probes) probe.close();
    await hangUp(peer);
  });

  test("a client that has lost its TLS connection comes back by UDP", UNHURRIED, async () => {
    const running = await gateway();
    const credentials = await running.mint({ label: "lost" });
    const mover = await mobile(running, "tls", credentials);
    mover.probe.close();
    const back = await move(running, mover, "udp", credentials);
    await hearsItself(back);
    await hangUp(back);
  });

  test("quotas are not moved twice: as many allocations afterwards as before", UNHURRIED, async () => {
    const limited = await startGateway({ settings: { limits: { allocations_per_label: 2 } } });
    const credentials = await limited.mint({ label: "few" });
    let mover = await mobile(limited, "udp", credentials);
    const second = await allocate(await limited.probe("tcp", { credentials }));
    const refused = async (): Promise<void> => {
      const probe = await limited.probe("udp", { credentials });
      const answer = await probe.ask({ kind: "allocate" });
      assert.equal(answer.kind === "refused" && answer.code, 486);
      probe.close();
    };
    await refused();
    for (const to of ["tls", "udp", "tcp"] as const) {
      mover = await move(limited, mover, to, credentials);
      await refused();
    }
    await hangUp(mover);
    await hangUp(second);
    for (const talker of [await mobile(limited, "udp", credentials), await mobile(limited, "tls", credentials)]) {
      await hangUp(talker);
    }
    await limited.stop();
  });

  test("off: 405", UNHURRIED, async () => {
    const off = await startGateway({ settings: { relay: { mobility: false } } });
    const probe = await off.probe("udp", { credentials: await off.mint() });
    const answer = await probe.ask({ kind: "allocate", mobile: true });
    assert.equal(answer.kind === "refused" && answer.code, 405);
    await hangUp(await allocate(probe));
    await off.stop();
  });
});

describe("turnutils_uclient", { skip: needs("turnutils_uclient") }, () => {
  const gateway = shared(() => startGateway());

  // Over TLS it picks its version by chance when it comes again, one that nobody takes any more too.
  for (const transport of ["udp", "tcp"] as const) {
    test(`its allocations move over ${transport}`, UNHURRIED, async () => {
      const running = await gateway();
      const { username, credential } = await running.mint({ label: transport });
      const wishes = { transport, host: "127.0.0.1", port: running.ports[transport], username, credential };
      const totals = await uclient({ ...wishes, mobile: true, clients: 2, messages: 40 });
      assert.ok(totals.received >= 0.9 * totals.sent && totals.sent >= 80, JSON.stringify(totals));
      const { text } = await running.ask({ path: "/metrics", over: "metrics" });
      assert.match(text, new RegExp(`allocations_moved_total\\{transport="${transport}"\\} [1-9]`));
    });
  }
});

interface Mover extends Talker {
  readonly ticket: Uint8Array;
}

async function mobile(gateway: Gateway, transport: Transport, credentials: Minted): Promise<Mover> {
  const probe = await gateway.probe(transport, { credentials });
  const { relayedAddresses, mobilityTicket: ticket } = await probe.must({ kind: "allocate", mobile: true });
  const [relayed] = relayedAddresses;
  assert.ok(relayed && ticket);
  return { probe, relayed, ticket };
}

/** Takes an allocation to a new socket, and closes the old one. */
async function move(
  gateway: Gateway,
  { probe: old, relayed, ticket }: Mover,
  transport: Transport,
  credentials: Minted,
  close = true,
): Promise<Mover> {
  const probe = await gateway.probe(transport, { credentials });
  const { mobilityTicket } = await probe.must({ kind: "refresh", ticket });
  assert.ok(mobilityTicket);
  if (close) old.close();
  return { probe, relayed, ticket: mobilityTicket };
}

/** A datagram each way over the channel that was bound before the move. */
async function exchange({ probe }: Talker, peer: Talker): Promise<void> {
  const there = crypto.getRandomValues(new Uint8Array(500));
  probe.send(CHANNEL, there);
  assert.deepEqual((await peer.probe.nextData(DATA_MS)).bytes, there);
  const back = crypto.getRandomValues(new Uint8Array(500));
  peer.probe.send(CHANNEL, back);
  assert.deepEqual(await probe.nextData(DATA_MS), { kind: "data", peer: peer.relayed, channel: CHANNEL, bytes: back });
}
