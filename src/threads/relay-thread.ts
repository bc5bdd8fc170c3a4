import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { BatchPlane } from "../dataplane/batch/plane.ts";
import { openLibc } from "../dataplane/libc.ts";
import { askForPromptness } from "../dataplane/promptness.ts";
import { equalAddress } from "../net/address.ts";
import { openRuntime } from "../runtime/runtime.ts";
import type { FromThread, ToThread } from "./mailbox.ts";
import { Housekeeping } from "./housekeeping.ts";
import type { RelayThreadPlan } from "./plan.ts";
import { LateHandler, ThreadShard } from "./thread-shard.ts";

const LONGEST_WAIT_MS = 60_000;

/** A thread that relays for UDP clients: a shard on the batch plane, an endless loop that never yields. */
async function relayThread(plan: RelayThreadPlan): Promise<void> {
  const runtime = await openRuntime();
  const libc = openLibc(runtime);
  askForPromptness(libc);
  const handler = new LateHandler();
  const plane = new BatchPlane(libc, { listeners: plan.listeners }, handler);
  const thread = new ThreadShard(plan, libc, {
    clients: plane,
    peers: plane,
    streams: false,
    closeClient: () => {},
    listenerAt: (address) => {
      const number = plan.listeners.findIndex((listener) => equalAddress(listener.address, address));
      return number < 0 ? undefined : number;
    },
    witness: () => {},
  });
  handler.attach(thread.shard);
  const tell = (message: FromThread): void => plan.mailbox.postMessage(message);
  tell({ kind: "ready", wake: plane.wakeDescriptor });

  const housekeeping = new Housekeeping(runtime);
  let running = true;
  const obey = (message: ToThread): void => {
    if (message.kind === "change") {
      thread.change(message.text);
      tell({ kind: "taken", number: message.number });
    } else if (message.kind === "settings") thread.reconfigure(message.settings);
    else if (message.kind === "fromShard" || message.kind === "alternates") thread.shard.handle(message);
    else if (message.kind === "drain") thread.shard.handle({ kind: "drain" });
    else if (message.kind === "stop") {
      thread.shard.handle({ kind: "shutdown" });
      running = false;
    }
  };

  for (let wait = 0; running; wait = Math.min(LONGEST_WAIT_MS, Math.ceil(thread.shard.expire()))) {
    const patience = Math.min(wait, housekeeping.restMs);
    if (plane.turn(patience)) {
      for (let post = receiveMessageOnPort(plan.mailbox); post !== undefined; post = receiveMessageOnPort(plan.mailbox))
        obey(post.message);
    } else if (patience === housekeeping.restMs && plane.arrived === 0) housekeeping.rest();
    housekeeping.after(thread.doings());
    const lines = thread.takeLines();
    if (lines.length > 0) tell({ kind: "lines", lines });
  }
  plane.close();
  tell({ kind: "stopped" });
}

await relayThread(workerData);
