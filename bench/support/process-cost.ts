import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** What a process has used of the processors, all threads that it has now, in nanoseconds, as the kernel accounts for it. */
export function cpuNanoseconds(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return sum;
}

/** How a process has divided its time so far between its own code and the kernel's, in ticks of the kernel's clock. */
export function ticks(pid: number): { readonly own: number; readonly kernel: number } {
  // Behind the name, which may hold anything, comes the third field.
  const [, fields = ""] = /\) (.*)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
  const [own = "", kernel = ""] = fields.split(" ").slice(11, 13);
  return { own: Number(own), kernel: Number(kernel) };
}

/** Memory that a process holds, in octets. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

/** How many cores there are. */
export const cores = availableParallelism();

/**
 * Keeps this process on the first core, so that load and server do not take turns on one; or lets it go, before it starts
 * another that would inherit it. Nothing happens where there is one core, or no `taskset`.
 */
export function stayOnFirstCore(stay: boolean): void {
  if (cores > 1) spawnSync("taskset", ["-acp", stay ? "0" : `0-${cores - 1}`, `${process.pid}`], { stdio: "ignore" });
}
