import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openStore } from "../../src/store/open-store.ts";
import { StoreMissing } from "../../src/store/store.ts";
import { needs } from "../support/needs.ts";
import { givenPostgres, startPostgres } from "../support/postgres.ts";
import { shared } from "../support/shared.ts";
import { storeSuite } from "../suites/store.ts";

const given = process.env.ICEBREAKER_TEST_POSTGRES;

describe("on a server", { skip: given === undefined && needs("postgres") }, () => {
  const server = shared(() => (given === undefined ? startPostgres() : Promise.resolve(givenPostgres(given))));
  const inDatabase = async (use: (url: string) => Promise<void>): Promise<void> => use(await (await server()).newDatabase());

  storeSuite("PostgreSQL", (use) =>
    inDatabase(async (url) => {
      const clock = { unixMs: 1_700_000_000_000 };
      await use({
        clock,
        open: () => openStore(url, { stateDir: "/", create: true, busyTimeoutMs: 50, now: () => clock.unixMs }),
      });
    }),
  );

  test("PostgreSQL: makes tables only when asked", () =>
    inDatabase(async (url) => {
      await assert.rejects(openStore(url, { stateDir: "/", create: false, busyTimeoutMs: 50 }), StoreMissing);
      const [one, two] = await Promise.all([1, 2].map(() => openStore(url, { stateDir: "/", create: true, busyTimeoutMs: 50 })));
      await one?.createProject({ name: "a", regions: [] });
      assert.equal((await two?.projects())?.length, 1);
      await Promise.all([one?.close(), two?.close()]);
    }));
});
