import { parentPort, workerData } from "node:worker_threads";
import { SharedLedger } from "../../../src/policy/ledger.ts";
import { PortTable } from "../../../src/policy/ports.ts";
import { ledgerRace, portRace, redeemRace } from "./races.ts";
import { seededRandom } from "./seeded-random.ts";

/** One side of a race: waits until all are there, runs, and posts what it holds at the end. */
const { race, seed, start, threads } = workerData;
Atomics.add(start, 0, 1);
while (Atomics.load(start, 0) < threads);

if (race === "ledger") {
  const ledger = new SharedLedger(workerData.memory, workerData.limits, workerData.key);
  parentPort?.postMessage(ledgerRace(ledger, seededRandom(seed)));
} else {
  const table = new PortTable(workerData.memory, workerData.shape, seededRandom(seed));
  const random = seededRandom(seed + 1000);
  if (race === "redeem") parentPort?.postMessage(redeemRace(table, random, workerData.tokens));
  else parentPort?.postMessage(portRace(table, random, workerData.owners, seed));
}
