import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { systemFiles, whyUnreadable, whyUnwritable } from "../../src/config/files.ts";
import { fakeFiles } from "./fake-files.ts";

describe("the file system", () => {
  const directory = mkdtempSync(join(tmpdir(), "icebreaker-files-"));
  after(() => rmSync(directory, { recursive: true }));

  test("tells owner, mode and our user", () => {
    const path = join(directory, "a");
    writeFileSync(path, "text");
    chmodSync(path, 0o640);
    const facts = systemFiles.facts(path);
    assert.deepEqual([facts?.mode, facts?.owner], [0o640, facts?.us]);
    assert.equal(systemFiles.facts("/proc/1")?.owner, "root");
    assert.deepEqual([systemFiles.read(path), systemFiles.exists(path)], ["text", true]);
    assert.equal(systemFiles.facts(join(directory, "b")), undefined);
  });

  test("says why a file cannot be read", () => {
    const why = (path: string): string => {
      try {
        return systemFiles.read(path);
      } catch (error) {
        return whyUnreadable(systemFiles, path, error);
      }
    };
    assert.equal(why(join(directory, "b")), "is not there");
    assert.equal(why(directory), "is a directory");
  });

  test("says so too where even its directory is closed", () => {
    const files = { ...fakeFiles({}), facts: () => undefined };
    const error = Object.assign(new Error("permission denied"), { code: "EACCES" });
    assert.equal(whyUnreadable(files, "/a/b", error), "cannot be read (EACCES), nor can its directory");
  });

  test("says why a directory cannot be made or written to, and what stands in the way", () => {
    const files = { ...fakeFiles({}), exists: (path: string) => path === "/srv" || path === "/srv/state" };
    const why = (path: string, code: string) => whyUnwritable(files, path, Object.assign(new Error(code), { code }));
    const facts = "belongs to root, its mode is 0600, and we are icebreaker";
    assert.equal(why("/srv/state", "EACCES"), `cannot be written to (EACCES): it ${facts}`);
    assert.equal(why("/srv/a/b", "EACCES"), `cannot be made (EACCES): /srv ${facts}`);
    assert.equal(why("/srv/state", "ENOSPC"), "cannot be written to (ENOSPC): there is no space left on its disk");
    assert.equal(why("/srv/state", "EROFS"), "cannot be written to (EROFS): its file system is read-only");
    assert.equal(why("/srv/state", "ENOTDIR"), "cannot be a directory (ENOTDIR): there is a file");
  });
});
