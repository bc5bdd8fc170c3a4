import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { platform } from "node:process";
import { describe, test } from "node:test";
import { cleanStretches, giveBackCleanPages } from "../../src/dataplane/clean-pages.ts";
import { openLibc } from "../../src/dataplane/libc.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { unless } from "../support/needs.ts";

const PROGRAM = "/usr/local/bin/ice breaker";

/** A mapping as /proc/self/smaps shows it. */
function mapping(range: string, access: string, path: string, anonymousKilobytes: number): string {
  return [
    `${range} ${access} 00001000 fd:01 1234567                    ${path}`,
    "Size:              79912 kB",
    "Rss:               38824 kB",
    `Anonymous:         ${`${anonymousKilobytes}`.padStart(5)} kB`,
    "VmFlags: rd ex mr mw me",
    "",
  ].join("\n");
}

describe("cleanStretches", () => {
  test("are the mappings of the program that are private, not writable and nobody's own", () => {
    const smaps = [
      mapping("00200000-00201000", "r--p", PROGRAM, 0),
      mapping("01a40000-06a40000", "r-xp", PROGRAM, 0),
      mapping("0684a000-0685f000", "r--p", PROGRAM, 4),
      mapping("06867000-074f0000", "rw-p", PROGRAM, 0),
      mapping("07500000-07501000", "r--s", PROGRAM, 0),
      mapping("7f0000000000-7f0000001000", "r-xp", `${PROGRAM} (deleted)`, 0),
      mapping("7f0000100000-7f0000101000", "r-xp", "/usr/lib/libc.so.6", 0),
      mapping("7f0000200000-7f0000201000", "r--p", "", 0),
    ].join("");
    assert.deepEqual(cleanStretches(smaps, PROGRAM), [
      { address: 0x20_0000, bytes: 0x1000 },
      { address: 0x1a4_0000, bytes: 0x500_0000 },
    ]);
    assert.deepEqual(cleanStretches("", PROGRAM), []);
  });
});

describe("giveBackCleanPages", { skip: unless(platform === "linux", "only Linux has /proc") }, () => {
  test("gives back what the system says is clean, and the program goes on", async () => {
    const libc = openLibc(await openRuntime());
    const residentKilobytes = (): number =>
      Number(/^RssFile:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0);
    const given: number[] = [];
    const before = residentKilobytes();
    giveBackCleanPages({
      madvise(address, bytes, advice) {
        given.push(bytes);
        return libc.madvise(address, bytes, advice);
      },
    });
    assert.ok(existsSync("/proc/self/smaps") && given.length > 0);
    assert.ok(residentKilobytes() < before, `${before} kB before, ${residentKilobytes()} after`);
  });
});
