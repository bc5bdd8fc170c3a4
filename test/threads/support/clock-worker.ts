import { parentPort, workerData } from "node:worker_threads";
import { threadClock } from "../../../src/threads/clock.ts";

const { monotonicMs, unixMs } = threadClock(workerData).now();
parentPort?.postMessage(unixMs - monotonicMs);
