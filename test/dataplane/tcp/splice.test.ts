import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { openLibc } from "../../../src/dataplane/libc.ts";
import { openTcpListener, socketName } from "../../../src/dataplane/socket.ts";
import { Splice, type SpliceTotals } from "../../../src/dataplane/tcp/splice.ts";
import { TcpRelays } from "../../../src/dataplane/tcp/tcp-relays.ts";
import { parseAddress, type TransportAddress } from "../../../src/net/address.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";
import { unless } from "../../support/needs.ts";
import { until } from "../../support/udp-peer.ts";

const runtime = await openRuntime();
const libc = openLibc(runtime);
const { streams } = runtime;
const skip = unless(streams !== undefined, "this runtime takes no streams over", { required: false });

/** A relayed port, and what it tells. */
function relayed() {
  assert.ok(streams);
  const told: { accepted: number[]; connected: number[]; failed: number[] } = { accepted: [], connected: [], failed: [] };
  const relays = new TcpRelays(libc, streams, {
    accepted: (_relay, _peer, descriptor) => told.accepted.push(descriptor),
    connected: (_attempt, descriptor) => told.connected.push(descriptor),
    failed: (attempt) => told.failed.push(attempt),
  });
  const descriptor = openTcpListener(libc, parseAddress("127.0.0.1:0"));
  const address = socketName(libc, descriptor);
  return { relays, told, address, relay: relays.openRelay(descriptor, address) };
}

/** Both ends of a connection, ours kept paused. */
async function pair(): Promise<{ readonly ours: Socket; readonly theirs: Socket }> {
  const accepted: Socket[] = [];
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => accepted.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const theirs = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await until(() => accepted.length === 1, "a connection");
  server.close();
  const [ours] = accepted;
  assert.ok(ours);
  return { ours, theirs };
}

describe("relayed ports for TCP", { skip }, () => {
  test("take connections with nothing read of them, and make them from the same port", async () => {
    const [one, other] = [relayed(), relayed()];
    one.relays.connect(7, one.relay, other.address);
    await until(() => one.told.connected.length + other.told.accepted.length === 2, "a connection between two relays");
    const totals: SpliceTotals[] = [];
    const clients = [await pair(), await pair()];
    for (const [i, descriptor] of [...one.told.connected, ...other.told.accepted].entries()) {
      const client = clients[i];
      assert.ok(client && streams);
      new Splice(client.ours, new TextEncoder().encode(`head ${i}, `), descriptor, streams, (total) => totals.push(total));
    }
    const [first, second] = clients.map(({ theirs }) => theirs);
    assert.ok(first && second);
    const said = ["", ""];
    for (const [i, socket] of [first, second].entries()) {
      socket.on("data", (bytes) => {
        said[i] = `${said[i]}${bytes}`;
      });
    }
    first.write("first");
    second.write("second");
    await until(() => said[0] === "head 1, second" && said[1] === "head 0, first", "both heads and both words");
    first.end();
    second.end();
    await until(() => totals.length === 2, "the end of both");
    assert.deepEqual(new Set(totals.map(({ toPeer, toClient }) => toPeer + toClient)), new Set([27]));
    for (const { relays } of [one, other]) relays.close();
  });

  test("a peer that is not there is told of, and an attempt that was given up is not", async () => {
    const { relays, told, relay } = relayed();
    const nowhere: TransportAddress = parseAddress("127.0.0.1:1");
    relays.connect(1, relay, nowhere);
    relays.connect(2, relay, parseAddress("[::1]:1"));
    relays.connect(3, relay + 1, nowhere);
    assert.deepEqual(told.failed, [], "nobody is told before it returns");
    await until(() => told.failed.length === 3, "three failures");
    relays.connect(4, relay, nowhere);
    relays.giveUp(4);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(told.failed.length, 3);
    relays.close();
  });
});

describe("Splice", { skip }, () => {
  test("a client that goes without a word takes the peer with it", async () => {
    const { relays, told, address } = relayed();
    const peer = connect({ port: address.port, host: "127.0.0.1" });
    peer.on("error", () => {});
    await until(() => told.accepted.length === 1, "the peer");
    const { ours, theirs } = await pair();
    const totals: SpliceTotals[] = [];
    assert.ok(streams);
    new Splice(ours, new Uint8Array(0), told.accepted[0] ?? -1, streams, (total) => totals.push(total));
    peer.write("x");
    await new Promise((resolve) => theirs.once("data", resolve));
    theirs.resetAndDestroy();
    await until(() => totals.length === 1 && peer.destroyed, "the end of both");
    assert.deepEqual(totals, [{ toPeer: 0, toClient: 1 }]);
    relays.close();
  });

  test("what waits is bounded by both sides: a peer that does not read stops the client", async () => {
    const { relays, told, address } = relayed();
    const peer = connect({ port: address.port, host: "127.0.0.1" });
    peer.pause();
    await until(() => told.accepted.length === 1, "the peer");
    const { ours, theirs } = await pair();
    assert.ok(streams);
    const splice = new Splice(ours, new Uint8Array(0), told.accepted[0] ?? -1, streams, () => {});
    const chunk = new Uint8Array(1_000_000);
    for (let i = 0; i < 40; i++) theirs.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(theirs.writableLength > 20_000_000, `${theirs.writableLength} wait at the client`);
    let length = 0;
    peer.on("data", (bytes) => {
      length += bytes.length;
    });
    peer.resume();
    await until(() => length === 40_000_000, "all of it");
    splice.close();
    relays.close();
  });
});
