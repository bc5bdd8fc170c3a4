import { workerData } from "node:worker_threads";
import { openRuntime } from "../runtime/runtime.ts";
import { EdgeThread } from "./edge.ts";
import type { ToThread } from "./mailbox.ts";
import type { EdgeThreadPlan } from "./plan.ts";

/** A thread for streams and HTTPS: a shard on the batch plane, and the API, on the event loop. */
async function edgeThread(plan: EdgeThreadPlan): Promise<void> {
  const thread = new EdgeThread(plan, await openRuntime());
  plan.mailbox.on("message", (message: ToThread) => void thread.obey(message));
  await thread.listen();
  plan.mailbox.postMessage({ kind: "ready" });
}

await edgeThread(workerData);
