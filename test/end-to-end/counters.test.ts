import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp } from "../support/talk.ts";
import { UdpPeer } from "../support/udp-peer.ts";

const CHANNEL = 0x4000;
const SIZES = [10, 0, 1200];
const WITHIN_MS = 5000;

/** Goal: what was relayed is counted once, whichever way it went: the metrics say what the lines of the log add up to. */
describe("what was relayed", () => {
  for (const transport of ["udp", "tcp"] as const) {
    test(`over ${transport}, by indications and over a channel, stands in the metrics as in the log`, UNHURRIED, async () => {
      const gateway = await startGateway({ settings: { relay: { peers: { allow: ["127.0.0.0/8"] } } } });
      const peer = await UdpPeer.open();
      const talker = await allocate(await gateway.probe(transport, { credentials: await gateway.mint() }));
      const { probe, relayed } = talker;
      await probe.must({ kind: "createPermission", peers: [peer.address] });
      let expected = 0;
      for (const way of ["indications", "channel"] as const) {
        if (way === "channel") await probe.must({ kind: "channelBind", channel: CHANNEL, peer: peer.address });
        for (const size of SIZES) {
          probe.send(way === "channel" ? CHANNEL : peer.address, new Uint8Array(size));
          await until(() => peer.received.length > expected, WITHIN_MS, "A datagram at the peer");
          peer.send(relayed, new Uint8Array(size));
          const { channel, bytes } = await probe.nextData(WITHIN_MS);
          assert.deepEqual([channel, bytes.length], [way === "channel" ? CHANNEL : undefined, size]);
          expected++;
        }
      }
      const octets = 2 * SIZES.reduce((sum, size) => sum + size, 0);
      assert.deepEqual(await values(gateway, "relayed_packets_total"), [expected, expected]);
      assert.deepEqual(await values(gateway, "relayed_octets_total"), [octets, octets]);
      await hangUp(talker);
      await until(() => /Allocation ended/.test(gateway.child.stderr()), WITHIN_MS, "The line");
      const line = gateway.child
        .stderr()
        .split("\n")
        .find((candidate) => candidate.includes("Allocation ended"));
      const { octetsToPeer, octetsToClient, packetsToPeer, packetsToClient } = JSON.parse(line ?? "");
      assert.deepEqual([octetsToPeer, octetsToClient], [octets, octets]);
      assert.deepEqual([packetsToPeer, packetsToClient], [expected, expected]);
      peer.close();
      await gateway.stop();
    });
  }

  test("beyond the bandwidth limit is counted as dropped, by indications too", UNHURRIED, async () => {
    const settings = { relay: { peers: { allow: ["127.0.0.0/8"] } }, limits: { bandwidth_per_allocation: 1000 } };
    const gateway = await startGateway({ settings });
    const peer = await UdpPeer.open();
    const talker = await allocate(await gateway.probe("udp", { credentials: await gateway.mint() }));
    await talker.probe.must({ kind: "createPermission", peers: [peer.address] });
    for (let i = 0; i < 3; i++) talker.probe.send(peer.address, new Uint8Array(1000));
    await until(async () => (await values(gateway, "dropped_packets_total"))[1] === 2, WITHIN_MS, "Two drops");
    assert.deepEqual(await values(gateway, "relayed_packets_total"), [1, 0]);
    await hangUp(talker);
    peer.close();
    await gateway.stop();
  });
});

/** The series of a metric, in their order. */
async function values(gateway: Gateway, name: string): Promise<readonly number[]> {
  const { text } = await gateway.ask({ path: "/metrics", over: "metrics" });
  return [...text.matchAll(new RegExp(`^icebreaker_${name}(?:\\{.*\\})? (\\d+)$`, "gm"))].map(([, value]) => Number(value));
}
