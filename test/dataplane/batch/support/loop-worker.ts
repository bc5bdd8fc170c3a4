import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { type BellPlan, ringBell } from "../../../../src/dataplane/batch/bell.ts";
import { LoopPlane } from "../../../../src/dataplane/batch/loop-plane.ts";
import { openLibc } from "../../../../src/dataplane/libc.ts";
import { openRelaySocket, socketName } from "../../../../src/dataplane/socket.ts";
import { parseIp } from "../../../../src/net/ip.ts";
import { openRuntime } from "../../../../src/runtime/runtime.ts";
import { Recorder } from "../../../suites/dataplane.ts";

/** What a test's thread does: it rings, or it has relays that send back what comes. */
export interface LoopWorkerPlan {
  readonly bell: BellPlan;
  readonly role: "ringer" | "listener";
  /** A listener's, among those who listen. */
  readonly number: number;
}

const RELAYS = 3;

async function begin({ bell, role, number }: LoopWorkerPlan): Promise<void> {
  const libc = openLibc(await openRuntime());
  const thread = Number(basename(readlinkSync("/proc/thread-self")));
  if (role === "ringer") {
    parentPort?.postMessage({ thread, relays: [] });
    return ringBell(libc, bell);
  }
  const recorder = new Recorder();
  const plane = new LoopPlane(libc, bell, number, recorder);
  recorder.onPeer = ({ socket, from, bytes, offset, length }) => plane.sendToPeer(socket, from, bytes, offset, length, false);
  const relays = Array.from({ length: RELAYS }, () => {
    const descriptor = openRelaySocket(libc, { ip: parseIp("127.0.0.1"), port: 0 });
    const address = socketName(libc, descriptor);
    plane.openRelay(descriptor, address);
    return address;
  });
  parentPort?.on("message", () => {
    plane.close();
    parentPort?.postMessage("closed");
  });
  parentPort?.postMessage({ thread, relays });
}

await begin(workerData);
