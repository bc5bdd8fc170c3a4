import assert from "node:assert/strict";
import { getPriority, release, setPriority } from "node:os";
import { describe, test } from "node:test";
import { Arena } from "../../src/dataplane/batch/arena.ts";
import { openLibc } from "../../src/dataplane/libc.ts";
import { askForPromptness, SCHED_GETATTR } from "../../src/dataplane/promptness.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { FailingLibc } from "../support/failing-libc.ts";

const real = openLibc(await openRuntime());
const [major = 0, minor = 0] = release().split(".").map(Number);
const heeded = major > 6 || (major === 6 && minor >= 12);

/** This thread's slice in nanoseconds, as the kernel says. */
function sliceOf(): bigint {
  const attributes = new Arena(real, 48);
  assert.equal(real.syscall(SCHED_GETATTR, 0, attributes.address, 48, 0), 0);
  return attributes.view.getBigUint64(24, true);
}

describe("promptness", () => {
  test("the thread's slice is a tenth of a millisecond, and its niceness stays", () => {
    setPriority(0, Math.max(1, getPriority(0)));
    const nice = getPriority(0);
    askForPromptness(real);
    if (heeded) assert.equal(sliceOf(), 100_000n);
    assert.equal(getPriority(0), nice);
  });

  test("a kernel that says nothing of slices is asked for none", () => {
    const failing = new FailingLibc(real);
    failing.fail("syscall", 38, 1);
    askForPromptness(failing.libc);
    assert.equal(failing.counts.get("syscall"), 1);
  });
});
