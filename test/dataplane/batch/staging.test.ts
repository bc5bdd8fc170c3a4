import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Arena } from "../../../src/dataplane/batch/arena.ts";
import { BatchPlane } from "../../../src/dataplane/batch/plane.ts";
import { ArenaStaging } from "../../../src/dataplane/batch/staging.ts";
import { openLibc } from "../../../src/dataplane/libc.ts";
import { openRelaySocket, socketName } from "../../../src/dataplane/socket.ts";
import { toHex } from "../../../src/lib/bytes.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { SocketAddress } from "../../../src/net/socket-address.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";
import { UdpPeer, until } from "../../support/udp-peer.ts";

const libc = openLibc(await openRuntime());
const nobody = { fromClient() {}, fromPeer() {}, peerUnreachable() {}, turnEnds() {} };

describe("staging", () => {
  test("octets lie one after the other, until there is no room; after the turn there is", () => {
    const staging = new ArenaStaging(new Arena(libc, 4096), 100);
    const first = staging.put(new Uint8Array(60).fill(1));
    const second = staging.put(new Uint8Array(40).fill(2));
    assert.equal(second, first + 60);
    assert.equal(staging.put(new Uint8Array(1)), -1);
    assert.equal(staging.bytes[first + 59], 1);
    assert.equal(staging.bytes[second], 2);
    staging.clear();
    assert.equal(staging.put(new Uint8Array(101)), -1);
    assert.equal(staging.put(new Uint8Array(100)), first);
  });

  test("datagrams leave a plane from where they lie, also when its queue is full in between", async () => {
    const peer = await UdpPeer.open();
    const plane = new BatchPlane(
      libc,
      { listeners: [], slots: 4, queue: { messages: 3, scratchBytes: 4096 }, stagingBytes: 1000 },
      nobody,
    );
    const descriptor = openRelaySocket(libc, parseAddress("127.0.0.1:0"));
    const relay = plane.openRelay(descriptor, socketName(libc, descriptor));
    const to = new SocketAddress().assign(peer.address);
    const frames = Array.from({ length: 10 }, (_, i) => Uint8Array.of(i, i + 1, i + 2));
    const at = plane.staging.put(Uint8Array.from(frames.flatMap((frame) => [...frame])));
    for (let i = 0; i < frames.length; i++) {
      plane.sendToPeer(relay, to, plane.staging.bytes, at + 3 * i, 3, false);
      plane.sendToPeer(relay, to, Uint8Array.of(100 + i), 0, 1, false);
    }
    plane.flush();
    await until(() => peer.received.length === 20, "all of them");
    const sent = frames.flatMap((frame, i) => [toHex(frame), toHex(Uint8Array.of(100 + i))]);
    assert.deepEqual(
      peer.received.map((bytes) => toHex(bytes)),
      sent,
    );
    assert.equal(plane.staging.put(new Uint8Array(1000)), at, "all of it is free again");
    plane.close();
    peer.close();
  });
});
