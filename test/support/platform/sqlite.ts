import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const BUSY_MS = 50;

/** SQLite: transactions, a revision that another connection's write changes, and a wait for a lock that ends when it should. */
export async function sqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "icebreaker-platform-"));
  try {
    const [one, other] = [open(join(folder, "a.db")), open(join(folder, "a.db"))];
    one.exec("create table t (id integer primary key, name text unique)");
    const version = (): unknown => other.prepare("pragma data_version").get()?.["data_version"];
    const before = version();
    one.prepare("insert into t (name) values ($name)").run({ name: "first" });
    assert.notEqual(version(), before);
    assert.deepEqual({ ...other.prepare("select name from t where id = ?").get(1) }, { name: "first" });
    assert.throws(() => one.prepare("insert into t (name) values (?)").run("first"), { errcode: 2067 });

    one.exec("begin immediate");
    const begun = performance.now();
    // By a statement: Deno's exec() does not tell the code.
    assert.throws(() => other.prepare("begin immediate").run(), { errcode: 5 });
    const waited = performance.now() - begun;
    assert.ok(waited < 20 * BUSY_MS, `waited ${waited} ms`);
    one.exec("rollback");
    for (const database of [one, other]) database.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  database.exec("pragma journal_mode=wal");
  return database;
}
