import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TurnRequest } from "../../src/client/dialogue.ts";
import { RequestFailed } from "../../src/client/probe.ts";
import { parseAddress, type Transport } from "../../src/net/address.ts";
import { type Gateway, type Minted, startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, type Talker } from "../support/talk.ts";

const CHANNEL = 0x4001;
const PACKET_MS = 10;
const WITHIN_MS = 1000;
/** What a busy machine may add to a second: the program under test is not alone on it. */
const SLACK_MS = 500;
const TRANSPORTS: readonly Transport[] = ["udp", "udp", "udp", "tcp", "tls"];
const OTHER_PEER = parseAddress("127.0.0.1:9");

/** Two relayed addresses that a stream of packets goes between, from the client's whose credential is to end. */
interface Call {
  readonly client: Talker;
  readonly peer: Talker;
  /** When the last packet came through, each way; of `performance.now()`. */
  readonly heardAt: { fromClient: number; fromPeer: number };
  hangUp(): Promise<void>;
}

/**
 * The table of what becomes of live allocations when their credential ends, a test a cell, over every transport.
 *
 * Method: packets go both ways all the time; what matters is when the last one came through.
 */
describe("when a credential ends, with live packets", () => {
  const finishing = shared(() => startGateway());
  const cutting = shared(() => startGateway({ settings: { credentials: { on_expiry: "cut" } } }));

  test("valid: Allocate, Refresh, CreatePermission, ChannelBind and packets work", UNHURRIED, async () => {
    const gateway = await finishing();
    const credentials = await gateway.mint({ label: "valid" });
    const calls = await callOverAll(gateway, credentials);
    for (const call of calls) await everythingWorks(call);
    await allGoOn(calls);
    for (const call of calls) await call.hangUp();
  });

  test("expired, finish: no Allocate; all else goes on, packets too", UNHURRIED, async () => {
    const gateway = await finishing();
    const credentials = await gateway.mint({ ttl: 1, label: "finish" });
    const calls = await callOverAll(gateway, credentials);
    await until(() => allocateIs401(gateway, credentials), 5000, "401 for the expired credential");
    for (const call of calls) await everythingWorks(call);
    await allGoOn(calls);
    for (const call of calls) await call.hangUp();
  });

  test("expired, finish: max_allocation_age ends it all the same", UNHURRIED, async () => {
    const gateway = await startGateway({ settings: { credentials: { max_allocation_age: 3 } } });
    const begun = performance.now();
    const calls = await callOverAll(gateway, await gateway.mint({ label: "old" }));
    const [first] = calls;
    const { lifetimeSeconds } = await (first?.client.probe.must({ kind: "refresh", lifetimeSeconds: 3600 }) ?? Promise.reject());
    assert.ok((lifetimeSeconds ?? 9) <= 3);
    const ends = calls.map(lastPacket);
    await allEnd(calls, 3000 + WITHIN_MS + SLACK_MS);
    for (const end of await Promise.all(ends)) assert.ok(end - begun > 2900 && end - begun < 4500, `after ${end - begun} ms`);
    await gateway.stop();
  });

  test("expired, cut: nothing more; packets end at expiry", UNHURRIED, async () => {
    const gateway = await cutting();
    const credentials = await gateway.mint({ ttl: 2, label: "cut" });
    const expiresMs = Number(credentials.username.split(":")[0]) * 1000;
    const calls = await callOverAll(gateway, credentials);
    const ends = calls.map(lastPacket);
    await allEnd(calls, 4000 + SLACK_MS);
    const offset = Date.now() - performance.now();
    for (const end of await Promise.all(ends)) {
      const late = end + offset - expiresMs;
      assert.ok(Math.abs(late) < SLACK_MS, `${late} ms after the expiry`);
    }
    assert.equal(await allocateIs401(gateway, credentials), true);
    await all401(calls);
  });

  for (const [how, end] of [
    ["by icebreaker revoke", revokeByCommand],
    ["by POST /v1/credentials/revoke", revokeOverHttp],
  ] as const) {
    test(`revoked ${how}: nothing more; packets end within a second`, UNHURRIED, async () => {
      const gateway = await finishing();
      // A label of its own: two mints of one second with the same are one pair.
      const credentials = await gateway.mint({ label: `revoked-${end.name}` });
      const calls = await callOverAll(gateway, credentials);
      const ends = calls.map(lastPacket);
      await end(gateway, credentials);
      const ordered = performance.now();
      await allEnd(calls, WITHIN_MS + SLACK_MS);
      for (const at of await Promise.all(ends)) assert.ok(at - ordered < WITHIN_MS, `${at - ordered} ms after the order`);
      assert.equal(await allocateIs401(gateway, credentials), true);
      await all401(calls);
    });
  }

  test("its project deleted: nothing more; packets end within a second", UNHURRIED, async () => {
    const gateway = await finishing();
    const { id, credentials } = await ownProject(gateway);
    const calls = await callOverAll(gateway, credentials);
    const ends = calls.map(lastPacket);
    assert.equal((await gateway.run("project", "delete", id)).code, 0);
    const ordered = performance.now();
    await allEnd(calls, WITHIN_MS + SLACK_MS);
    for (const at of await Promise.all(ends)) assert.ok(at - ordered < WITHIN_MS, `${at - ordered} ms after the order`);
    assert.equal(await allocateIs401(gateway, credentials), true);
    await all401(calls);
  });

  test("its project not in an older copy of the database that was restored: the same", UNHURRIED, async () => {
    const gateway = await startGateway();
    const { id, credentials } = await ownProject(gateway);
    const calls = await callOverAll(gateway, credentials);
    const stays = await callOverAll(gateway, await gateway.mint({ label: "stays" }));
    const database = new DatabaseSync(join(gateway.stateDirectory, "icebreaker.db"), { timeout: 5000 });
    database.exec(`begin immediate; delete from api_keys where project = '${id}'; delete from projects where id = '${id}';
      update counter set value = (select max(revision) from projects) where name = 'revision'; commit`);
    database.close();
    await allEnd(calls, WITHIN_MS + SLACK_MS);
    await all401(calls);
    await allGoOn(stays);
    for (const call of stays) await call.hangUp();
    await gateway.stop();
  });
});

async function callOverAll(gateway: Gateway, credentials: Minted): Promise<Call[]> {
  const others = await gateway.mint({ label: `peers-${Math.random()}` });
  const calls: Call[] = [];
  for (const transport of TRANSPORTS) calls.push(await call(gateway, transport, credentials, others));
  return calls;
}

/** From another port where the system gave us one that an allocation of before still has (437, RFC 8656 §7.4). */
async function allocated(gateway: Gateway, transport: Transport, credentials: Minted): Promise<Talker> {
  for (;;) {
    const probe = await gateway.probe(transport, { credentials });
    try {
      return await allocate(probe);
    } catch (error) {
      probe.close();
      if (!(error instanceof RequestFailed && error.code === 437)) throw error;
    }
  }
}

async function call(gateway: Gateway, transport: Transport, credentials: Minted, others: Minted): Promise<Call> {
  const client = await allocated(gateway, transport, credentials);
  const peer = await allocated(gateway, "udp", others);
  await client.probe.must({ kind: "channelBind", channel: CHANNEL, peer: peer.relayed });
  await peer.probe.must({ kind: "channelBind", channel: CHANNEL, peer: client.relayed });
  const heardAt = { fromClient: performance.now(), fromPeer: performance.now() };
  const timer = setInterval(() => {
    for (const { probe } of [client, peer]) if (probe.lost === undefined) probe.send(CHANNEL, new Uint8Array(50));
    if (peer.probe.takeArrived().length > 0) heardAt.fromClient = performance.now();
    if (client.probe.takeArrived().length > 0) heardAt.fromPeer = performance.now();
  }, PACKET_MS);
  return {
    client,
    peer,
    heardAt,
    async hangUp() {
      clearInterval(timer);
      await hangUp(client);
      await hangUp(peer);
    },
  };
}

/** Everything that a live allocation may be asked for. */
async function everythingWorks({ client: { probe }, peer: { relayed } }: Call): Promise<void> {
  await probe.must({ kind: "refresh", lifetimeSeconds: 600 });
  await probe.must({ kind: "createPermission", peers: [relayed] });
  await probe.must({ kind: "channelBind", channel: CHANNEL, peer: relayed });
}

async function allGoOn(calls: readonly Call[]): Promise<void> {
  const now = performance.now();
  const goesOn = ({ heardAt }: Call): boolean => heardAt.fromClient > now && heardAt.fromPeer > now;
  await until(() => calls.every(goesOn), 2000, "Packets in all calls");
}

/** Waits until no packet has come for a while, either way, in any call. */
async function allEnd(calls: readonly Call[], withinMs: number): Promise<void> {
  const isSilent = ({ heardAt }: Call): boolean => performance.now() - Math.max(heardAt.fromClient, heardAt.fromPeer) > 300;
  await until(() => calls.every(isSilent), withinMs + 300, "The end of all packets");
}

/** When the last packet came through, once none has for a while. */
async function lastPacket({ heardAt }: Call): Promise<number> {
  const last = (): number => Math.max(heardAt.fromClient, heardAt.fromPeer);
  await until(() => performance.now() - last() > 300, 20_000, "The last packet");
  return last();
}

async function allocateIs401(gateway: Gateway, credentials: Minted): Promise<boolean> {
  const probe = await gateway.probe("udp", { credentials });
  const answer = await probe.ask({ kind: "allocate" });
  probe.close();
  return answer.kind === "refused" && answer.code === 401;
}

/** Whether every request is refused with 401 on the five-tuples that had allocations; streams are closed. */
async function all401(calls: readonly Call[]): Promise<void> {
  const requests: readonly TurnRequest[] = [
    { kind: "refresh" },
    { kind: "createPermission", peers: [OTHER_PEER] },
    { kind: "channelBind", channel: CHANNEL, peer: OTHER_PEER },
  ];
  for (const { client, hangUp } of calls) {
    for (const request of client.probe.lost === undefined ? requests : []) {
      const answer = await client.probe.ask(request);
      assert.equal(answer.kind === "refused" ? answer.code : answer.kind, 401);
    }
    await hangUp();
  }
}

async function revokeByCommand(gateway: Gateway, { username }: Minted): Promise<void> {
  assert.equal((await gateway.run("revoke", username, "--yes")).code, 0);
}

async function revokeOverHttp(gateway: Gateway, { username }: Minted): Promise<void> {
  const headers = { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" };
  const body = JSON.stringify({ username });
  const { status } = await gateway.ask({ path: "/v1/credentials/revoke", method: "POST", headers, body });
  assert.equal(status, 204);
}

/** A project of its own, and a credential of it. */
async function ownProject(gateway: Gateway): Promise<{ readonly id: string; readonly credentials: Minted }> {
  const { id } = JSON.parse((await gateway.run("project", "create", "ending", "--json")).stdout);
  const { key } = JSON.parse((await gateway.run("key", "create", id, "--json")).stdout);
  let credentials: Minted | undefined;
  await until(
    async () => {
      credentials = await gateway.mint({ label: "ending" }, key).catch(() => undefined);
      return credentials !== undefined;
    },
    2000,
    "The new key",
  );
  assert.ok(credentials);
  return { id, credentials };
}
