import assert from "node:assert/strict";
import { test } from "node:test";
import postgres from "postgres";
import { openStore } from "../../src/store/open-store.ts";
import { StoreMissing } from "../../src/store/store.ts";
import { storeSuite } from "../suites/store.ts";

/** A server on which databases may be made and dropped; without one these tests have nothing to run on. */
const server = process.env.ICEBREAKER_TEST_POSTGRES;
let made = 0;

/** A database of its own, gone afterwards. */
async function inDatabase(base: string, use: (url: string) => Promise<void>): Promise<void> {
  const admin = postgres(base, { max: 1 });
  const name = `icebreaker_test_${process.pid}_${made++}`;
  await admin.unsafe(`create database ${name}`);
  try {
    const url = new URL(base);
    url.pathname = `/${name}`;
    await use(url.href);
  } finally {
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.end();
  }
}

if (server === undefined) {
  test("PostgreSQL", { skip: "ICEBREAKER_TEST_POSTGRES names no server" }, () => {});
} else {
  storeSuite("PostgreSQL", (use) =>
    inDatabase(server, async (url) => {
      const clock = { unixMs: 1_700_000_000_000 };
      await use({
        clock,
        open: () => openStore(url, { stateDir: "/", create: true, busyTimeoutMs: 50, now: () => clock.unixMs }),
      });
    }),
  );

  test("PostgreSQL: makes tables only when asked", () =>
    inDatabase(server, async (url) => {
      await assert.rejects(openStore(url, { stateDir: "/", create: false, busyTimeoutMs: 50 }), StoreMissing);
      const [one, two] = await Promise.all([1, 2].map(() => openStore(url, { stateDir: "/", create: true, busyTimeoutMs: 50 })));
      await one?.createProject({ name: "a", regions: [] });
      assert.equal((await two?.projects())?.length, 1);
      await Promise.all([one?.close(), two?.close()]);
    }));
}
