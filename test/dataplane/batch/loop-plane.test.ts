import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { openBell } from "../../../src/dataplane/batch/bell.ts";
import { openLibc } from "../../../src/dataplane/libc.ts";
import { close, wake } from "../../../src/dataplane/socket.ts";
import type { TransportAddress } from "../../../src/net/address.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";
import { payload } from "../../suites/dataplane.ts";
import { UdpPeer, until } from "../../support/udp-peer.ts";
import type { LoopWorkerPlan } from "./support/loop-worker.ts";

const LISTENERS = 2;
const CROWDS = 10;
/** To each relay at once: socket buffers are not what is tried. */
const CROWD = 20;
/** A second, in which a thread that looked every ten milliseconds would run a hundred times. */
const IDLE_MS = 1000;
const MOST_RUNS = 20;
const MOST_RUN_NANOSECONDS = 5_000_000;
/** Of a thread that is asleep, on a machine that is busy. */
const FIRST_MS = 100;
const PATIENCE_MS = 10_000;

const libc = openLibc(await openRuntime());

/** A thread that does something, its number for the system, and its relays. */
interface Running {
  readonly worker: Worker;
  readonly thread: number;
  readonly relays: readonly TransportAddress[];
}

async function start(plan: LoopWorkerPlan): Promise<Running> {
  const worker = new Worker(new URL("./support/loop-worker.ts", import.meta.url), { workerData: plan });
  const [told] = await once(worker, "message");
  return { worker, ...told };
}

/** A ringer, and threads whose relays send back what comes; all of them end. */
async function inCompany(life: (listeners: readonly Running[], ringer: Running) => Promise<void>): Promise<void> {
  const bell = openBell(libc, LISTENERS);
  const ringer = await start({ bell, role: "ringer", number: 0 });
  const listeners = await Promise.all(
    Array.from({ length: LISTENERS }, (_, number) => start({ bell, role: "listener", number })),
  );
  await life(listeners, ringer);
  for (const { worker } of listeners) {
    const closed = once(worker, "message");
    worker.postMessage("close");
    await closed;
    await worker.terminate();
  }
  const exit = once(ringer.worker, "exit", { signal: AbortSignal.timeout(PATIENCE_MS) });
  wake(libc, bell.wake);
  assert.deepEqual(await exit, [0]);
  close(libc, bell.wake);
  close(libc, bell.poller);
}

/** What a thread of ours has run so far. */
function runsOf({ thread }: Running): { nanoseconds: number; times: number } {
  const [nanoseconds = 0, , times = 0] = readFileSync(`/proc/self/task/${thread}/schedstat`, "latin1").split(" ").map(Number);
  return { nanoseconds, times };
}

async function hears(peer: UdpPeer, relay: TransportAddress): Promise<number> {
  const before = peer.received.length;
  const start = performance.now();
  peer.send(relay, payload(100, before));
  await until(() => peer.received.length > before, "what a relay sends back");
  return performance.now() - start;
}

describe("loop plane", () => {
  test("every relay of every thread sends back all that comes, alone and in crowds", () =>
    inCompany(async (listeners) => {
      const peer = await UdpPeer.open();
      for (const { relays } of listeners) for (const relay of relays) await hears(peer, relay);
      const relays = listeners.flatMap((listener) => listener.relays);
      let all = relays.length;
      for (let crowd = 0; crowd < CROWDS; crowd++) {
        for (let i = 0; i < CROWD; i++) for (const relay of relays) peer.send(relay, payload(100, i));
        all += CROWD * relays.length;
        await until(() => peer.received.length === all, `${all} datagrams`);
      }
      peer.close();
    }));

  test("threads with relays that nobody speaks to do not run, and hear of the next datagram at once", () =>
    inCompany(async (listeners, ringer) => {
      const peer = await UdpPeer.open();
      const threads = [...listeners, ringer];
      for (const { relays } of listeners) for (const relay of relays) await hears(peer, relay);

      const deadline = Date.now() + PATIENCE_MS;
      let most = { nanoseconds: Number.POSITIVE_INFINITY, times: Number.POSITIVE_INFINITY };
      // A runtime tidies up behind itself for a while.
      while ((most.times > MOST_RUNS || most.nanoseconds > MOST_RUN_NANOSECONDS) && Date.now() < deadline) {
        const before = threads.map(runsOf);
        await sleep(IDLE_MS);
        const ran = threads.map((thread, i) => {
          const now = runsOf(thread);
          return {
            nanoseconds: now.nanoseconds - (before[i]?.nanoseconds ?? 0),
            times: now.times - (before[i]?.times ?? 0),
          };
        });
        most = {
          nanoseconds: Math.max(...ran.map(({ nanoseconds }) => nanoseconds)),
          times: Math.max(...ran.map(({ times }) => times)),
        };
      }
      assert.ok(most.times <= MOST_RUNS && most.nanoseconds <= MOST_RUN_NANOSECONDS, JSON.stringify(most));

      const waits: number[] = [];
      for (const { relays } of listeners) for (const relay of relays) waits.push(await hears(peer, relay));
      assert.ok(Math.min(...waits) <= FIRST_MS, `${waits}`);
      peer.close();
    }));
});
