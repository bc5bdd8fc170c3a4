import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { openStore, sqlitePath, withoutPassword } from "../../src/store/open-store.ts";
import { StoreBusy, StoreGone, StoreMissing } from "../../src/store/store.ts";
import { storeSuite } from "../suites/store.ts";

const url = "sqlite:icebreaker.db";

/** A folder of its own, gone afterwards. */
async function inFolder(use: (stateDir: string) => Promise<void>): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), "icebreaker-store-"));
  try {
    await use(stateDir);
  } finally {
    rmSync(stateDir, { recursive: true });
  }
}

storeSuite("SQLite", (use) =>
  inFolder(async (stateDir) => {
    const clock = { unixMs: 1_700_000_000_000 };
    await use({ clock, open: () => openStore(url, { stateDir, create: true, busyTimeoutMs: 5000, now: () => clock.unixMs }) });
  }),
);

describe("openStore", () => {
  test("makes a database only when asked, for its owner alone", () =>
    inFolder(async (stateDir) => {
      const path = join(stateDir, "deep", "icebreaker.db");
      const at = { stateDir: join(stateDir, "deep"), busyTimeoutMs: 50 };
      await assert.rejects(openStore(url, { ...at, create: false }), (error) => {
        assert.ok(error instanceof StoreMissing);
        assert.ok(error.message.includes(path), error.message);
        return true;
      });
      const made = await openStore(url, { ...at, create: true });
      await made.createProject({ name: "a", regions: [] });
      for (const suffix of ["", "-wal", "-shm"]) assert.equal(statSync(path + suffix).mode & 0o777, 0o600, suffix);
      const found = await openStore(`sqlite:${path}`, { ...at, stateDir: "/", create: false });
      assert.equal((await found.projects()).length, 1);
      await Promise.all([made.close(), found.close()]);
    }));

  test("refuses tables of a newer program", () =>
    inFolder(async (stateDir) => {
      await (await openStore(url, { stateDir, create: true, busyTimeoutMs: 50 })).close();
      const database = new DatabaseSync(join(stateDir, "icebreaker.db"));
      database.exec("update schema_version set version = 999");
      database.close();
      await assert.rejects(openStore(url, { stateDir, create: true, busyTimeoutMs: 50 }), RangeError);
    }));

  test("says when another writer held the database too long, and works again afterwards", () =>
    inFolder(async (stateDir) => {
      const store = await openStore(url, { stateDir, create: true, busyTimeoutMs: 20 });
      const other = new DatabaseSync(join(stateDir, "icebreaker.db"));
      other.exec("begin immediate");
      await assert.rejects(store.createProject({ name: "a", regions: [] }), StoreBusy);
      assert.deepEqual(await store.projects(), [], "reading goes on");
      other.exec("rollback");
      other.close();
      await store.createProject({ name: "a", regions: [] });
      await store.close();
    }));

  test("notices that its file was taken away, and another put in its place", () =>
    inFolder(async (stateDir) => {
      const path = join(stateDir, "icebreaker.db");
      const store = await openStore(url, { stateDir, create: true, busyTimeoutMs: 50 });
      await store.createProject({ name: "a", regions: [] });
      for (const suffix of ["", "-wal", "-shm"]) renameSync(path + suffix, `${path}.away${suffix}`);
      await assert.rejects(store.changesSince(0, 10), StoreGone);
      const restored = await openStore("sqlite:other.db", { stateDir, create: true, busyTimeoutMs: 50 });
      await restored.createProject({ name: "b", regions: [] });
      await restored.close();
      renameSync(join(stateDir, "other.db"), path);
      assert.deepEqual(
        (await store.projects()).map(({ name }) => name),
        ["b"],
      );
      await store.close();
    }));

  test("works beside a second process that writes", () =>
    inFolder(async (stateDir) => {
      const store = await openStore(url, { stateDir, create: true, busyTimeoutMs: 5000 });
      const runtime = process.versions.deno ? ["run", "-A"] : [];
      const script = join(import.meta.dirname, "second-process.ts");
      const theirs = promisify(execFile)(process.execPath, [...runtime, script, stateDir, "50"]);
      for (let i = 0; i < 50; i++) await store.createProject({ name: "ours", regions: [] });
      await theirs;
      const change = await store.changesSince(0, 1000);
      assert.equal(change.projects.length, 100);
      assert.equal(change.revision, 100);
      await store.close();
    }));
});

test("sqlitePath", () => {
  assert.equal(sqlitePath("sqlite:icebreaker.db", "/var/lib/icebreaker"), "/var/lib/icebreaker/icebreaker.db");
  assert.equal(sqlitePath("sqlite:/srv/a.db", "/var/lib/icebreaker"), "/srv/a.db");
  assert.equal(sqlitePath("sqlite:///srv/a.db", "/var/lib/icebreaker"), "/srv/a.db");
  assert.equal(sqlitePath("mysql://x", "/"), undefined);
});

test("withoutPassword", () => {
  assert.equal(withoutPassword("postgres://ann:secret@db:5432/ice"), "postgres://ann:***@db:5432/ice");
  assert.equal(withoutPassword("postgres://ann@db/ice"), "postgres://ann@db/ice");
  assert.equal(withoutPassword("sqlite:a.db"), "sqlite:a.db");
});
