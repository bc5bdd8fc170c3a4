import { arch } from "node:process";
import { Arena } from "./batch/arena.ts";
import type { Libc } from "./libc.ts";

/** The numbers of two calls that the C library has no names for. */
const SCHED_SETATTR = arch === "x64" ? 314 : 274;
export const SCHED_GETATTR = arch === "x64" ? 315 : 275;
/** `struct sched_attr`, its first version: what it says of an ordinary thread is its slice. */
const ATTRIBUTES_BYTES = 48;
const RUNTIME_OFFSET = 24;
/** The shortest that the kernel grants, in nanoseconds. */
const SLICE = 100_000n;

/**
 * Asks that the calling thread, when it wakes, need not wait until another of the same core has had its few milliseconds:
 * it asks for a shorter slice itself. It gets no larger share for it. Linux heeds that since 6.12, and for everybody; older
 * kernels ignore it, and then nothing is different.
 */
export function askForPromptness(libc: Libc): void {
  const attributes = new Arena(libc, ATTRIBUTES_BYTES);
  if (libc.syscall(SCHED_GETATTR, 0, attributes.address, ATTRIBUTES_BYTES, 0) === 0) {
    attributes.view.setBigUint64(RUNTIME_OFFSET, SLICE, true);
    libc.syscall(SCHED_SETATTR, 0, attributes.address, 0, 0);
  }
  attributes.release();
}
