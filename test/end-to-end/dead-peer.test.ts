import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Socket as Stream } from "node:net";
import { describe, test } from "node:test";
import { copyOf } from "../../src/lib/bytes.ts";
import { parseAddress } from "../../src/net/address.ts";
import { Framer } from "../../src/stun/framing.ts";
import { Message } from "../../src/stun/message.ts";
import { freePorts } from "../support/free-ports.ts";
import { startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED } from "../support/shared.ts";
import { allocate, hangUp } from "../support/talk.ts";

const DATAGRAMS = 500;
/** So many to each peer, then those to the live one must be back: socket buffers are not what is tried. */
const BURST = 10;
const BACK_MS = 2000;

/**
 * Goal: a peer that is not there takes nothing from one that is.
 *
 * Method: datagrams to both, in turns, over one allocation. Each to the dead one comes back as an ICMP error, which
 * the system would hand to the next send on that socket, to whomever that is.
 */
describe("a dead peer beside a live one", () => {
  const gateway = shared(() => startGateway({ settings: { relay: { peers: { allow: ["127.0.0.0/8", "::1/128"] } } } }));

  for (const transport of ["udp", "tcp", "tls"] as const) {
    for (const host of ["127.0.0.1", "[::1]"]) {
      test(`${transport}, peers at ${host}: ${DATAGRAMS} of ${DATAGRAMS} arrive, and as many come back`, UNHURRIED, async () => {
        const running = await gateway();
        const family = host === "127.0.0.1" ? 4 : 6;
        const talker = await allocate(await running.probe(transport, { credentials: await running.mint() }), family);
        const { probe } = talker;
        const { socket, port, heard } = await livePeer(family);
        const [deadPort = 0] = await freePorts(1);
        await probe.must({ kind: "channelBind", channel: 0x4000, peer: parseAddress(`${host}:${port}`) });
        await probe.must({ kind: "channelBind", channel: 0x4001, peer: parseAddress(`${host}:${deadPort}`) });

        for (let sent = 0; sent < DATAGRAMS; sent += BURST) {
          for (let i = sent; i < sent + BURST; i++) {
            probe.send(0x4001, Uint8Array.of(0));
            probe.send(0x4000, new TextEncoder().encode(`${i}`));
          }
          for (let i = 0; i < BURST; i++) await probe.nextData(BACK_MS);
        }
        assert.equal(heard.size, DATAGRAMS);
        await hangUp(talker);
        socket.close();
      });
    }
  }
});

describe("a peer that is not there, over a stream", () => {
  const gateway = shared(() => startGateway({ settings: { relay: { peers: { allow: ["127.0.0.0/8"] } } } }));

  for (const transport of ["tcp", "tls"] as const) {
    test(`${transport}: the client is told of the ICMP error, with the peer's address`, UNHURRIED, async () => {
      const running = await gateway();
      const { probe } = await allocate(await running.probe(transport, { credentials: await running.mint() }));
      const [deadPort = 0] = await freePorts(1);
      const peer = parseAddress(`127.0.0.1:${deadPort}`);
      await probe.must({ kind: "channelBind", channel: 0x4000, peer });
      probe.send(0x4000, Uint8Array.of(0));
      const { socket, head } = probe.detach();
      const told = await nextMessage(socket, head);
      assert.deepEqual(told?.xorPeerAddress, peer);
      assert.deepEqual(told?.icmp, { type: 3, code: 3, data: 0 });
      socket.destroy();
    });
  }
});

/** The first message that comes on a stream. */
async function nextMessage(socket: Stream, head: Uint8Array): Promise<Message | undefined> {
  const framer = new Framer();
  framer.push(head);
  for (;;) {
    const frame = framer.next();
    if (frame !== undefined) return Message.decode(copyOf(frame.bytes, frame.offset, frame.offset + frame.length));
    const [octets] = await once(socket, "data", { signal: AbortSignal.timeout(BACK_MS) });
    framer.push(octets);
  }
}

/** Hears, and sends back. */
async function livePeer(family: 4 | 6): Promise<{ socket: Socket; port: number; heard: Set<string> }> {
  const heard = new Set<string>();
  const socket = createSocket({ type: family === 4 ? "udp4" : "udp6", recvBufferSize: 1 << 20 });
  socket.on("message", (bytes, { address, port }) => {
    heard.add(new TextDecoder().decode(bytes));
    socket.send(bytes, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, family === 4 ? "127.0.0.1" : "::1", resolve));
  return { socket, port: socket.address().port, heard };
}
