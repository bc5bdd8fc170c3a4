import assert from "node:assert/strict";
import { mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { hashApiKey } from "../../src/credentials/api-key.ts";
import { openDatabase, showFirstKey } from "../../src/gateway/database.ts";
import { loaded } from "../support/loaded.ts";

const KEY = { id: "key_1", key: "ibk_secret", project: "project_1" };

describe("openDatabase", () => {
  test("a database that was not there has a first project and a key that works; the next start shows none", async () => {
    const settings = await settingsIn(await temporary());
    const { store, firstKey } = await openDatabase(settings);
    assert.ok(firstKey);
    const keys = await store.keys(firstKey.project);
    assert.deepEqual(
      keys.map(({ id, hash }) => ({ id, hash })),
      [{ id: firstKey.id, hash: hashApiKey(firstKey.key) }],
    );
    await store.close();

    const again = await openDatabase(settings);
    assert.equal(again.firstKey, undefined);
    await again.store.close();
  });

  test("a database that cannot be opened is a sentence that names the setting, without its password", async () => {
    const settings = await settingsIn(await temporary(), 'url = "postgres://ice:hunter2@127.0.0.1:1/x"');
    await assert.rejects(openDatabase(settings), (error: Error) => {
      assert.match(error.message, /^database\.url: postgres:\/\/ice:\*\*\*@127\.0\.0\.1:1\/x cannot be opened: /);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });
});

describe("showFirstKey", () => {
  test("into a pipe: JSON alone; on a terminal: words with the key", async () => {
    assert.deepEqual(JSON.parse(await shown({ isJournal: false, isTerminal: false })), KEY);
    assert.match(await shown({ isJournal: false, isTerminal: true }), /project_1.*ibk_secret/s);
  });

  test("under systemd: in a file that only we may read, never in the journal", async () => {
    const directory = await temporary();
    const text = await shown({ isJournal: true, isTerminal: false }, directory);
    const path = join(directory, "first-key");
    assert.ok(text.includes(path) && !text.includes("ibk_"), text);
    assert.equal(await readFile(path, "utf8"), "ibk_secret\n");
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });
});

async function shown(kind: { isJournal: boolean; isTerminal: boolean }, directory = "/nowhere"): Promise<string> {
  let text = "";
  const write = (more: string): void => {
    text += more;
  };
  await showFirstKey(KEY, directory, { ...kind, write });
  return text;
}

function temporary(): Promise<string> {
  return mkdtemp(join(tmpdir(), "icebreaker-test-"));
}

async function settingsIn(directory: string, database = "") {
  const toml = `state_dir = "${directory}"\n[database]\n${database}`;
  return loaded(toml).settings;
}
