import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, test } from "node:test";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { needs } from "../support/needs.ts";
import { packetsToClients } from "../support/relayed.ts";
import { shared, SLOW, until } from "../support/shared.ts";
import { type UclientTotals, type UclientWishes, uclient } from "../support/uclient.ts";

/** A session is two clients that talk to each other; a crowd sends fewer messages, further apart. */
const sizes = [
  { clients: 1, messages: 100, intervalMs: 20 },
  { clients: 100, messages: 20, intervalMs: 50 },
];
const cases = sizes.flatMap((size) =>
  (["udp", "tcp", "tls"] as const).flatMap((transport) =>
    [false, true].flatMap((indications) => [false, true].map((ipv6) => ({ ...size, transport, indications, ipv6 }))),
  ),
);
/** The client waits most of its time; so many of them leave the machine enough for none to lose anything. */
const AT_ONCE = 6;
/** The share of its messages that a TLS client may leave in its own buffer. */
const FORGIVEN = 0.2;

/**
 * Goal: a client that we did not write relays without loss.
 *
 * Method: its clients talk in pairs, relay to relay, over every transport, both ways of sending and both families.
 * Over TLS it leaves the last records it received in its own buffer and counts them as lost, the more the more of them
 * come at once. So there the gateway's own count decides: every message that was sent has left for its client.
 */
describe("turnutils_uclient", { skip: needs("turnutils_uclient") }, () => {
  const gateway = shared(() => startGateway());
  const runs = shared(async () => {
    const running = await gateway();
    const outcomes = inTurns(
      cases.map((wishes) => async () => run(running, wishes)),
      AT_ONCE,
    );
    return { outcomes, stop: () => Promise.all(outcomes) };
  });

  for (const [i, { clients, messages, transport, indications, ipv6 }] of cases.entries()) {
    const how = `${indications ? "indications" : "channels"}, ${ipv6 ? "IPv6" : "IPv4"}`;
    test(`${clients} × ${transport}, ${how}: nothing is lost`, SLOW, async () => {
      const outcome = await (await runs()).outcomes[i];
      if (outcome?.status !== "fulfilled") throw outcome?.reason;
      const { sent, received, lost } = outcome.value;
      assert.equal(sent, Math.max(2, clients) * messages);
      assert.ok(lost <= (transport === "tls" ? sent * FORGIVEN : 0), `${lost} of ${sent} lost, ${received} received`);
    });
  }

  test("over TLS every message left for its client, over channels and as indications", SLOW, async () => {
    const running = await gateway();
    const outcomes = await Promise.all((await runs()).outcomes);
    const sent = outcomes.filter((_, i) => cases[i]?.transport === "tls").reduce((sum, outcome) => sum + sentOf(outcome), 0);
    await until(() => packetsToClients(running.child.stderr(), "tls") === sent, 5000, `${sent} messages at their clients`);
  });

  test("of all these the gateway dropped none, over channels as many came out as went in", SLOW, async () => {
    const running = await gateway();
    await Promise.all((await runs()).outcomes);
    const { text } = await running.ask({ path: "/metrics", over: "metrics" });
    const values = (name: string): number[] =>
      [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, "gm"))].map(([, value]) => Number(value));
    const [toPeer = 0, toClient] = values("icebreaker_relayed_packets_total");
    assert.ok(toPeer > 0);
    assert.equal(toClient, toPeer);
    assert.ok(
      values("icebreaker_dropped_packets_total").every((dropped) => dropped === 0),
      text,
    );
  });
});

function sentOf(outcome: PromiseSettledResult<UclientTotals>): number {
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value.sent;
}

type Run = (typeof cases)[number] & Pick<UclientWishes, "peer">;

async function run(running: Gateway, wishes: Run): Promise<UclientTotals> {
  const { username, credential } = await running.mint();
  const host = wishes.ipv6 ? "::1" : "127.0.0.1";
  return uclient({ ...wishes, host, port: running.ports[wishes.transport], username, credential });
}

/** Does all jobs in order, so many at once. */
function inTurns<T>(jobs: readonly (() => Promise<T>)[], atOnce: number): Promise<PromiseSettledResult<T>>[] {
  const settled: Promise<PromiseSettledResult<T>>[] = [];
  for (const [i, job] of jobs.entries()) {
    const turn = Promise.resolve(settled[i - atOnce]);
    settled.push(turn.then(() => Promise.allSettled([job()])).then(([outcome]) => outcome));
  }
  return settled;
}

const besidePeer = (["udp", "tcp"] as const).flatMap((transport) =>
  [false, true].map((indications) => ({ transport, indications })),
);

describe("turnutils_uclient and a peer that is no relay", { skip: needs("turnutils_uclient") }, () => {
  const gateway = shared(() => startGateway({ settings: { relay: { peers: { allow: ["127.0.0.0/8", "::1/128"] } } } }));
  const echo = shared(echoServer);
  const runs = shared(async () => {
    const running = await gateway();
    const peer = { host: "127.0.0.1", port: (await echo()).port };
    const size = { clients: 10, messages: 50, intervalMs: 20, ipv6: false };
    const outcomes = inTurns(
      besidePeer.map((how) => () => run(running, { ...size, ...how, peer })),
      AT_ONCE,
    );
    return { outcomes, stop: () => Promise.all(outcomes) };
  });

  for (const [i, { transport, indications }] of besidePeer.entries()) {
    test(`10 × ${transport}, ${indications ? "indications" : "channels"}: every message comes back`, SLOW, async () => {
      const outcome = await (await runs()).outcomes[i];
      if (outcome?.status !== "fulfilled") throw outcome?.reason;
      const { sent, received, lost } = outcome.value;
      assert.deepEqual({ sent, received, lost }, { sent: 500, received: 500, lost: 0 });
    });
  }
});

async function echoServer(): Promise<{ port: number; stop(): Promise<void> }> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
  socket.on("message", (bytes, { port, address }) => socket.send(bytes, port, address));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { port: socket.address().port, stop: () => new Promise((resolve) => socket.close(resolve)) };
}
