import { type ChildProcess, spawn } from "node:child_process";

/** A program that a test started, and what it has said. */
export interface Child {
  readonly process: ChildProcess;
  /** Everything on stdout and stderr so far. */
  stdout(): string;
  stderr(): string;
  /** Waits for a line that matches, on either. @throws {Error} with all it said, if it ends or the time is over */
  says(pattern: RegExp, withinMs: number): Promise<RegExpMatchArray>;
  /** Its exit code; null if a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Ends it, by force if it does not within the time. @returns its exit code */
  stop(signal?: NodeJS.Signals, withinMs?: number): Promise<number | null>;
}

/** Those that run: none of them outlives us, however we end. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a program whose output is kept. */
export function startChild(command: string, args: readonly string[], environment: NodeJS.ProcessEnv, cwd?: string): Child {
  const options = { env: environment, stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"] };
  const child = spawn(command, [...args], cwd === undefined ? options : { ...options, cwd });
  running.add(child);
  const said = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (piece: Uint8Array) => {
      said[stream] += new TextDecoder().decode(piece);
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<number | null>((resolve) => {
    child.once("error", () => {
      running.delete(child);
      resolve(127);
    });
    child.once("close", (code) => {
      running.delete(child);
      resolve(code);
      for (const listener of listeners) listener();
    });
  });

  const says = (pattern: RegExp, withinMs: number): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        listeners.delete(look);
        act();
      };
      const fail = (why: string): void =>
        finish(() => reject(new Error(`${command} ${why}; it said:\n${said.stdout}\n${said.stderr}`)));
      const look = (): void => {
        const match = pattern.exec(said.stdout) ?? pattern.exec(said.stderr);
        if (match) finish(() => resolve(match));
        else if (child.exitCode !== null || child.signalCode !== null) fail("ended");
      };
      const timer = setTimeout(() => fail(`did not say ${pattern} within ${withinMs} ms`), withinMs);
      listeners.add(look);
      look();
    });

  const stop = async (signal: NodeJS.Signals = "SIGTERM", withinMs = 10_000): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), withinMs);
    const code = await ended;
    clearTimeout(timer);
    return code;
  };
  return { process: child, stdout: () => said.stdout, stderr: () => said.stderr, says, ended, stop };
}

/** Runs a program to its end. @throws {Error} if it does not come within the time */
export async function runToEnd(
  command: string,
  args: readonly string[],
  { env = process.env, cwd, withinMs = 60_000 }: { env?: NodeJS.ProcessEnv; cwd?: string; withinMs?: number } = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = startChild(command, args, env, cwd);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.process.kill("SIGKILL");
  }, withinMs);
  const code = await child.ended;
  clearTimeout(timer);
  if (late) throw new Error(`${command} ${args.join(" ")} took more than ${withinMs} ms:\n${child.stdout()}\n${child.stderr()}`);
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}
