import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openStore } from "../../src/store/open-store.ts";

/** A program that changes a database as many administrators at once would: revocations, and keys that come and go. */
const { values } = parseArgs({
  options: {
    database: { type: "string", default: "" },
    seconds: { type: "string", default: "1" },
    rate: { type: "string", default: "100" },
  },
});

const PATIENCE_MS = 5000;

const [seconds, rate] = [Number(values.seconds), Number(values.rate)];
const options = { stateDir: ".", create: false, busyTimeoutMs: PATIENCE_MS };
const store = await openStore(`sqlite:${values.database}`, options);
const projects = await store.projects();
const begun = performance.now();
for (let done = 0; performance.now() < begun + 1000 * seconds; ) {
  for (const due = ((performance.now() - begun) * rate) / 1000; done < due; done++) {
    const project = projects[done % projects.length]?.id ?? "";
    const expiresUnixMs = Date.now() + 3_600_000;
    await store.revoke({
      username: `${Math.floor(expiresUnixMs / 1000)}:${project}:churn-${process.pid}-${done}`,
      expiresUnixMs,
    });
    const key = await store.createKey({ project, name: undefined, hash: `${process.pid}-${done}`.padStart(64, "0") });
    await store.revokeKey(key.id);
  }
  await sleep(2);
}
await store.close();
