import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Transport } from "../../src/net/address.ts";
import { formatIp } from "../../src/net/ip.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED } from "../support/shared.ts";
import { allocate, hangUp, talk, type Talker } from "../support/talk.ts";

/** Addresses for documentation: no interface has them, and the policy denies them as peers. */
const EXTERNAL = { 4: "203.0.113.5", 6: "2001:db8::5" } as const;
const RING = 16;

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
