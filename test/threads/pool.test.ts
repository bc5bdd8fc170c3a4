import assert from "node:assert/strict";
import { test } from "node:test";
import { openBell } from "../../src/dataplane/batch/bell.ts";
import { openLibc } from "../../src/dataplane/libc.ts";
import { wake } from "../../src/dataplane/socket.ts";
import { shardSettings } from "../../src/gateway/derive.ts";
import { shareState } from "../../src/gateway/memory.ts";
import { parseAddress } from "../../src/net/address.ts";
import { parseIp } from "../../src/net/ip.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { ThreadPool } from "../../src/threads/pool.ts";
import { loaded } from "../support/loaded.ts";

const NO_DESCRIPTOR = 999_999;

test("a thread that dies is told with its name and the reason, and its start fails", async () => {
  const { settings } = loaded("");
  const local = parseIp("127.0.0.1");
  const shape = { addresses: [{ local, shown: local }], firstPort: 50_000, lastPort: 50_009 };
  const plan = shareState(shape, "us-east", { relay: 1, edge: 0 }).shardPlan(0, shardSettings(settings, "relay.test", [], []));

  const died = Promise.withResolvers<string>();
  const pool = new ThreadPool(
    { lines: () => {}, error: () => {}, revoke: async () => "written", failed: died.resolve },
    () => {},
  );
  const listeners = [{ descriptor: NO_DESCRIPTOR, address: parseAddress("127.0.0.1:3478") }];
  await assert.rejects(pool.startRelay({ ...plan, listeners }), /EBADF/);
  assert.match(await died.promise, /^relay thread 1: .*EBADF/s);
});

const silent = { lines: () => {}, error: () => {}, revoke: async () => "written" as const };

test("a bell thread that dies is told with the reason", async () => {
  const died = Promise.withResolvers<string>();
  const pool = new ThreadPool({ ...silent, failed: died.resolve }, () => {});
  pool.startBell({ poller: NO_DESCRIPTOR, wake: NO_DESCRIPTOR, memory: new SharedArrayBuffer(4) });
  assert.match(await died.promise, /^bell thread: .*EBADF/s);
});

test("a stop ends the bell thread, and that is no death", async () => {
  const libc = openLibc(await openRuntime());
  const failures: string[] = [];
  const pool = new ThreadPool({ ...silent, failed: (reason) => failures.push(reason) }, (descriptor) => wake(libc, descriptor));
  pool.startBell(openBell(libc, 1));
  await pool.stop();
  assert.deepEqual(failures, []);
});
