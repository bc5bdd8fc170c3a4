import { chown } from "node:fs/promises";

/** The user and group `nobody` on every Linux that we know. */
const NOBODY = 65_534;

/** Whether this process may become somebody else. */
export const mayBecomeOthers = process.getuid?.() === 0;

/** A command line that runs another as `nobody`, without any privilege, in the same process. */
export function asNobody(command: string, ...args: string[]): readonly [string, ...string[]] {
  const flags = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"];
  return ["setpriv", ...flags, "--", command, ...args];
}

/** Gives a file or directory to `nobody`. */
export function giveToNobody(path: string): Promise<void> {
  return chown(path, NOBODY, NOBODY);
}
