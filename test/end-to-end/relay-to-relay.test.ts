import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Transport } from "../../src/net/address.ts";
import { formatIp } from "../../src/net/ip.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, talk, type Talker } from "../support/talk.ts";
import { UdpPeer } from "../support/udp-peer.ts";

/** Addresses for documentation: no interface has them, and the policy denies them as peers. */
const EXTERNAL = { 4: "203.0.113.5", 6: "2001:db8::5" } as const;
const RING = 16;
const PAIRS = 8;
const CHANNEL = 0x4000;
/** Within which a channel ends whose peer was a relay of ours, and what a busy machine may add. */
const WITHIN_MS = 1000;
const SLACK_MS = 500;

/**
 * Goal: two clients of one gateway reach each other by the addresses that they tell each other, though those exist
 * only outside.
 */
describe("relays that talk to each other's external address", () => {
  const gateway = shared(() => startGateway({ settings: { relay: { external_address: [EXTERNAL[4], EXTERNAL[6]] } } }));

  const join = async (running: Gateway, transport: Transport, family: 4 | 6): Promise<Talker> => {
    const talker = await allocate(await running.probe(transport, { credentials: await running.mint() }), family);
    assert.equal(formatIp(talker.relayed.ip), EXTERNAL[family]);
    return talker;
  };

  for (const family of [4, 6] as const) {
    test(
      `IPv${family}: ${RING} UDP clients in a ring; that one thread has them all has a chance of one in 32,768`,
      UNHURRIED,
      async () => {
        const running = await gateway();
        const ring = await Promise.all(Array.from({ length: RING }, () => join(running, "udp", family)));
        for (const [i, one] of ring.entries()) {
          const other = ring[(i + 1) % RING];
          assert.ok(other);
          await talk(one, other, 0x4000 + i);
        }
        for (const talker of ring) await hangUp(talker);
      },
    );

    for (const [left, right] of [
      ["udp", "tls"],
      ["udp", "tcp"],
      ["tcp", "tls"],
      ["tls", "tls"],
    ] as const) {
      test(`IPv${family}: one client on ${left}, one on ${right}`, UNHURRIED, async () => {
        const running = await gateway();
        const one = await join(running, left, family);
        const other = await join(running, right, family);
        await talk(one, other, 0x4000);
        await hangUp(one);
        await hangUp(other);
      });
    }
  }

  test(
    "a channel to a relay that has ended brings nothing to whoever has its port then, on whichever thread it was",
    UNHURRIED,
    async () => {
      const running = await gateway();
      const pairs: { client: Talker; other: Talker }[] = [];
      for (let i = 0; i < PAIRS; i++) {
        const transport = (["udp", "udp", "tcp", "tls"] as const)[i % 4] ?? "udp";
        const [client, other] = [await join(running, transport, 4), await join(running, "udp", 4)];
        await talk(client, other, CHANNEL);
        pairs.push({ client, other });
      }
      for (const { other } of pairs) await hangUp(other);
      const endedAt = performance.now();
      const programs = await Promise.all(pairs.map(({ other }) => programAt(other.relayed.port)));
      let [sent, heardAt, heard] = [0, endedAt, 0];
      await until(
        () => {
          for (const { client } of pairs) client.probe.send(CHANNEL, Uint8Array.of(1));
          sent++;
          const now = programs.reduce((sum, { received }) => sum + received.length, 0);
          if (now > heard) heardAt = performance.now();
          heard = now;
          return performance.now() - endedAt > 2 * WITHIN_MS;
        },
        10 * WITHIN_MS,
        "The end of two seconds",
      );
      assert.ok(sent > 20, `${sent} rounds`);
      assert.ok(heardAt - endedAt < WITHIN_MS + SLACK_MS, `${heardAt - endedAt} ms after the end of the relays`);
      for (const { client, other } of pairs) {
        const answer = await client.probe.ask({ kind: "channelBind", channel: CHANNEL, peer: other.relayed });
        assert.equal(answer.kind === "refused" && answer.code, 403);
        await hangUp(client);
      }
      for (const program of programs) program.close();
    },
  );

  test("an external address without a relay behind it is no way in", UNHURRIED, async () => {
    const running = await gateway();
    const one = await join(running, "udp", 4);
    const other = await join(running, "udp", 4);
    await hangUp(other);
    const answer = await one.probe.ask({ kind: "channelBind", channel: 0x4000, peer: other.relayed });
    assert.equal(answer.kind === "refused" && answer.code, 403);
    await hangUp(one);
  });
});

/** A program of the host that takes a port as soon as it is free: the answer to a Refresh of 0 may come before. */
async function programAt(port: number): Promise<UdpPeer> {
  let program: UdpPeer | undefined;
  await until(
    async () => {
      program = await UdpPeer.open("127.0.0.1", port).catch(() => undefined);
      return program !== undefined;
    },
    WITHIN_MS,
    `The port ${port}`,
  );
  assert.ok(program);
  return program;
}
