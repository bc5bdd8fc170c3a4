import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED } from "../support/shared.ts";
import { hangUp, talk } from "../support/talk.ts";

const SOURCES = 16;

/**
 * Goal: a RESERVATION-TOKEN is good wherever it is redeemed (RFC 8656 §7.2).
 *
 * Method: one client reserves, so its thread is always the same; sixteen others redeem, each from a port of its own.
 * The kernel spreads those over both threads: that all hit one has a chance of one in 32,768.
 */
describe("reservations across threads", () => {
  const gateway = shared(() => startGateway());

  test("a token is redeemed from 16 source ports, for the port above the even one, once", UNHURRIED, async () => {
    const running = await gateway();
    const credentials = await running.mint();
    const first = await running.probe("udp", { credentials });
    for (let i = 0; i < SOURCES; i++) {
      const even = await first.must({ kind: "allocate", evenPort: { reserveNext: true } });
      const [relayed] = even.relayedAddresses;
      const { reservationToken } = even;
      assert.ok(relayed && reservationToken);
      assert.equal(relayed.port % 2, 0);

      const second = await running.probe("udp", { credentials });
      const redeemed = await second.must({ kind: "allocate", reservationToken });
      const [next] = redeemed.relayedAddresses;
      assert.ok(next);
      assert.equal(next.port, relayed.port + 1);
      await talk({ probe: first, relayed }, { probe: second, relayed: next }, 0x4001);

      const third = await running.probe("udp", { credentials });
      const again = await third.ask({ kind: "allocate", reservationToken });
      assert.equal(again.kind === "refused" && again.code, 508, "a token is good once");
      third.close();
      await hangUp({ probe: second, relayed: next });
      await first.must({ kind: "refresh", lifetimeSeconds: 0 });
    }
    first.close();
  });

  test("a token that nobody gave is 508", UNHURRIED, async () => {
    const running = await gateway();
    const probe = await running.probe("udp", { credentials: await running.mint() });
    const answer = await probe.ask({ kind: "allocate", reservationToken: new Uint8Array(8) });
    assert.equal(answer.kind === "refused" && answer.code, 508);
    probe.close();
  });
});
