import { workerData } from "node:worker_threads";
import { type BellPlan, ringBell } from "../dataplane/batch/bell.ts";
import { openLibc } from "../dataplane/libc.ts";
import { openRuntime } from "../runtime/runtime.ts";

/** A thread that waits, for edge threads, until peers have sent something: their own event loops do not know those sockets. */
async function bellThread(plan: BellPlan): Promise<void> {
  ringBell(openLibc(await openRuntime()), plan);
}

await bellThread(workerData);
