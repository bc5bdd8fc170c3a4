import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/** Set in the process that runs inside. */
const INSIDE = "ICEBREAKER_BENCH_NAMESPACE";

/**
 * Whether this process is in a network namespace of its own. If it is not, runs the whole bench again in one, with a
 * loopback that is up, and exits as it does; without the privilege for that, says so and exits with 2.
 */
export async function insideNamespace(): Promise<boolean> {
  if (process.env[INSIDE] !== undefined) return true;
  const name = `icebreaker-bench-${process.pid}`;
  if (!ip("netns", "add", name)) {
    process.stderr.write("This bench needs a network namespace of its own: root, and `ip` of iproute2\n");
    process.exitCode = 2;
    return false;
  }
  try {
    ip("-n", name, "link", "set", "lo", "up");
    const command = ["netns", "exec", name, process.execPath, ...process.argv.slice(1)];
    const child = spawn("ip", command, { stdio: "inherit", env: { ...process.env, [INSIDE]: name } });
    const [code] = await once(child, "exit");
    process.exitCode = code ?? 1;
  } finally {
    ip("netns", "delete", name);
  }
  return false;
}

/** The name of the namespace we are in. */
export function namespaceName(): string {
  return process.env[INSIDE] ?? "";
}

/** Runs `ip`. @returns whether it did what it should */
export function ip(...args: string[]): boolean {
  return spawnSync("ip", args, { stdio: ["ignore", "ignore", "inherit"] }).status === 0;
}

/** Runs `ip` for what must not fail. @throws {Error} if it does */
export function mustIp(text: string): void {
  if (!ip(...text.split(" "))) throw new Error(`ip ${text} failed`);
}
