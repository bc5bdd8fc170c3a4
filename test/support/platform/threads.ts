import assert from "node:assert/strict";
import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { threadClock } from "../../../src/threads/clock.ts";

const CLOCK_MS = 5;

/**
 * A thread of its own file, that never yields: it takes messages when shared memory says that there are some, answers
 * by post, has the process's clock, and ends when told to.
 */
export async function threads(): Promise<void> {
  const { port1: mailbox, port2 } = new MessageChannel();
  const calls = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./thread.ts", import.meta.url), {
    workerData: { mailbox: port2, calls, origin: performance.timeOrigin },
    transferList: [port2],
  });
  const ended = new Promise<number>((resolve) => worker.on("exit", resolve));
  const ask = async (question: unknown): Promise<Record<string, unknown>> => {
    const answer = once(mailbox, "message");
    mailbox.postMessage(question);
    Atomics.add(calls, 0, 1);
    Atomics.notify(calls, 0);
    const [message] = await answer;
    return message;
  };
  const { said } = await ask({ kind: "say", text: "hello" });
  assert.equal(said, "hello");
  const { offset } = await ask({ kind: "clock" });
  const { monotonicMs, unixMs } = threadClock(performance.timeOrigin).now();
  assert.ok(Math.abs(Number(offset) - (unixMs - monotonicMs)) < CLOCK_MS, `${offset} against ${unixMs - monotonicMs}`);
  const answer = once(worker, "error");
  mailbox.postMessage({ kind: "fail" });
  Atomics.add(calls, 0, 1);
  Atomics.notify(calls, 0);
  const [error] = await answer;
  assert.match(String(error), /told to fail/);
  assert.notEqual(await ended, 0);
  mailbox.close();
}
