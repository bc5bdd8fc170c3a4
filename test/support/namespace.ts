import { spawnSync } from "node:child_process";
import { type Child, runToEnd, startChild } from "./child.ts";
import { asNobody } from "./other-user.ts";

/** Whether this process may make a network and mounts of its own: only root, and not in every container. */
export const mayMakeNamespaces = spawnSync("unshare", ["-n", "-m", "true"]).status === 0;

/** A program that runs as `nobody` in a network with a loopback interface and nothing else. */
export interface Islander {
  readonly child: Child;
  /** Runs another in the same network, as root. */
  beside(command: string, ...args: string[]): ReturnType<typeof runToEnd>;
}

/**
 * Starts a program on an island.
 *
 * @param prepare shell commands that root runs there first; what they leave running ends with the test that kills it
 */
export function startOnIsland(
  [command, ...args]: readonly [string, ...string[]],
  { cwd, env, prepare = "true" }: { cwd: string; env: NodeJS.ProcessEnv; prepare?: string },
): Islander {
  const script = `ip link set lo up && ${prepare} && exec "$@"`;
  const child = startChild("unshare", ["-n", "sh", "-c", script, "sh", ...asNobody(command, ...args)], env, cwd);
  return {
    child,
    beside: (other, ...words) => runToEnd("nsenter", ["-t", `${child.process.pid}`, "-n", other, ...words], { cwd, env }),
  };
}
