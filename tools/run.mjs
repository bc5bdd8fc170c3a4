import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** The path of a program that is installed with the packages. */
export const installed = (name) => join(root, "node_modules", ".bin", name);

const FORWARDED = ["SIGTERM", "SIGHUP", "SIGINT"];

/**
 * Runs a program to its end, in the repository, with our own input and output, and hands our signals on to it.
 *
 * @param options as for `spawn`; with `onErrorText` what the program writes to stderr is passed on and shown to that too
 * @returns its exit code; 128 and the signal's number if a signal ended it; 127 if it cannot be started
 */
export function run(command, args, { onErrorText, ...options } = {}) {
  let child;
  const forward = (signal) => {
    // A terminal has sent it to both of us.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child?.kill(signal);
  };
  // Before the child is there: a signal that comes while it starts must not leave it alone.
  for (const signal of FORWARDED) process.on(signal, forward);
  child = spawn(command, args, { cwd: root, stdio: onErrorText ? ["inherit", "inherit", "pipe"] : "inherit", ...options });
  child.stderr?.on("data", (chunk) => {
    process.stderr.write(chunk);
    onErrorText?.(`${chunk}`);
  });
  return new Promise((resolve) => {
    const end = (code) => {
      for (const signal of FORWARDED) process.off(signal, forward);
      resolve(code);
    };
    child.on("error", (error) => {
      process.stderr.write(`${command}: ${error.message}\n`);
      end(127);
    });
    child.on("close", (code, signal) => end(code ?? 128 + constants.signals[signal]));
  });
}

/** Whether a program runs and ends well; what it says is not shown. */
export async function succeeds(command, args) {
  return (await run(command, args, { stdio: "ignore" })) === 0;
}
