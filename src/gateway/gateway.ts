import { setTimeout } from "node:timers";
import { fstatSync } from "node:fs";
import type { LoadedSettings } from "../config/load.ts";
import { type Log, openLog } from "../observe/log.ts";
import type { RunningGateway } from "./running.ts";
import { startGateway } from "./start.ts";

/** How long what is closed already may still hold the process. */
const LINGER_MS = 500;

/**
 * Runs the gateway until it is told to end: SIGTERM and SIGINT drain, a second one ends at once, SIGHUP reloads.
 *
 * @param reload looks for the configuration again: the same flag, environment and files as at the start
 * @returns the exit code
 * @throws {Error} if the start fails; its sentence names the setting to change
 */
export async function runGateway(loaded: LoadedSettings, reload: () => LoadedSettings): Promise<number> {
  const log = openLog(loaded.settings.log.level, process.stderr.isTTY === true);
  for (const warning of loaded.warnings) log.warn({}, warning);
  const started = Promise.withResolvers<RunningGateway>();
  // Before the start: whoever is told that it serves may send a signal in the same moment.
  const drained = obeySignals(started.promise, reload, log);
  const gateway = await startGateway(loaded, {
    log,
    notifySocket: process.env["NOTIFY_SOCKET"],
    isJournal: isOurStdout(process.env["JOURNAL_STREAM"]),
    isTerminal: process.stdout.isTTY === true,
    write: (text) => void process.stdout.write(text),
    failed: (reason) => {
      log.error({}, `A thread has died, and the gateway with it: ${reason}`);
      process.exit(1);
    },
  });
  started.resolve(gateway);
  await drained;
  setTimeout(() => process.exit(0), LINGER_MS).unref(); // connections to a database that does not answer hold nobody up
  return 0;
}

/** Done when a signal has ended the gateway. One that comes before it serves ends the process, or waits to reload. */
async function obeySignals(started: Promise<RunningGateway>, reload: () => LoadedSettings, log: Log): Promise<void> {
  let gateway: RunningGateway | undefined;
  const drained = Promise.withResolvers<void>();
  // One listener that counts: one added by another could hear of the same signal.
  let isDraining = false;
  const order = (): void => {
    if (isDraining || gateway === undefined) process.exit(0);
    isDraining = true;
    gateway.drain().then(drained.resolve, drained.reject);
  };
  process.on("SIGTERM", order);
  process.on("SIGINT", order);
  process.on("SIGHUP", async () => {
    const running = await started;
    try {
      await running.reload(reload());
    } catch (error) {
      const reason = error instanceof Error ? error.message.replaceAll("\n", "; ") : `${error}`;
      log.error({}, `The configuration stays as it was: ${reason}`);
    }
  });
  gateway = await started;
  await drained.promise;
}

/** Whether a `device:inode` of systemd's is what we write to: programs started from a service inherit the name alone. */
function isOurStdout(stream: string | undefined): boolean {
  const { dev, ino } = fstatSync(1, { bigint: true });
  return stream === `${dev}:${ino}`;
}
