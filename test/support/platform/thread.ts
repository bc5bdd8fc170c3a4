import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { threadClock } from "../../../src/threads/clock.ts";

const { mailbox, calls, origin }: { mailbox: MessagePort; calls: Int32Array; origin: number } = workerData;

for (let seen = 0; ; seen = Atomics.load(calls, 0)) {
  Atomics.wait(calls, 0, seen);
  for (let post = receiveMessageOnPort(mailbox); post !== undefined; post = receiveMessageOnPort(mailbox)) {
    const { kind, text } = post.message;
    if (kind === "fail") throw new Error("told to fail");
    const { monotonicMs, unixMs } = threadClock(origin).now();
    mailbox.postMessage(kind === "say" ? { said: text } : { offset: unixMs - monotonicMs });
  }
}
