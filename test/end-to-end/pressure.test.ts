import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Probe } from "../../src/client/probe.ts";
import type { TurnRequest } from "../../src/client/dialogue.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { unless } from "../support/needs.ts";
import { UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp } from "../support/talk.ts";
import { UdpPeer } from "../support/udp-peer.ts";

const CHANNEL = 0x4000;
/** What a listener's buffer holds: the whole of the pressure. */
const QUEUE = 8192;
const ANSWER_MS = 2000;

/**
 * Goal: when there is more to do than can be done, Binding answers are given up first, then 401s, then new allocations,
 * and no packet of a live relay.
 *
 * Method: one relay thread, which stands still while its listener's buffer is filled with a live client's packets, and
 * behind them one request of each kind. How much has waited is the pressure, less what fades while a slow machine works
 * it off: each share is well above where what it is for begins.
 */
describe("under more load than a thread can bear", {
  skip: unless(process.getuid?.() === 0, "only root may have so large a buffer"),
}, () => {
  for (const [share, expected] of [
    [0.1, ["success", 401, "success"]],
    [0.47, ["silence", 401, "success"]],
    [0.72, ["silence", "silence", "success"]],
    [0.86, ["silence", "silence", 508]],
    [0.99, ["silence", "silence", "silence"]],
  ] as const) {
    test(`${share} of a buffer: Binding, 401 and Allocate are ${expected.join(", ")}; no packet is lost`, UNHURRIED, async () => {
      const gateway = await startGateway({ settings: { relay: { workers: 1, peers: { allow: ["127.0.0.0/8"] } } } });
      const credentials = await gateway.mint();
      const peer = await UdpPeer.open();
      const live = await allocate(await gateway.probe("udp", { credentials }));
      await live.probe.must({ kind: "channelBind", channel: CHANNEL, peer: peer.address });
      const [stranger, beginner, proven] = [await once(gateway), await once(gateway), await once(gateway, credentials)];
      await proven.must({ kind: "challenge" });

      gateway.child.process.kill("SIGSTOP");
      const packets = Math.round(share * QUEUE);
      for (let i = 0; i < packets; i++) {
        live.probe.send(CHANNEL, Uint8Array.of(i, i >> 8));
        if (i % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const answers = [
        outcome(stranger, { kind: "binding" }),
        outcome(beginner, { kind: "challenge" }),
        outcome(proven, { kind: "allocate" }),
      ];
      await new Promise((resolve) => setImmediate(resolve));
      gateway.child.process.kill("SIGCONT");
      const heard = await Promise.all(answers);
      // That answer to whoever has proven nothing is what a challenge asks for.
      assert.deepEqual(
        heard,
        expected.map((each) => (each === 401 ? "success" : each)),
      );
      await until(() => peer.received.length === packets, ANSWER_MS, `${packets} packets of the live relay`);
      assert.equal((await live.probe.ask({ kind: "refresh" })).kind, "success");
      for (const probe of [stranger, beginner, proven]) probe.close();
      await hangUp(live);
      peer.close();
      await gateway.stop();
    });
  }
});

/** A client that asks once, and again only when everything is over. */
function once(gateway: Gateway, credentials?: { readonly username: string; readonly credential: string }): Promise<Probe> {
  return gateway.probe("udp", { credentials, initialTimeoutMs: 10 * ANSWER_MS });
}

async function outcome(probe: Probe, request: TurnRequest): Promise<string | number> {
  const answer = await Promise.race([
    probe.ask(request),
    new Promise<undefined>((resolve) => setTimeout(resolve, ANSWER_MS, undefined)),
  ]);
  if (answer === undefined) return "silence";
  return answer.kind === "refused" ? answer.code : answer.kind;
}
