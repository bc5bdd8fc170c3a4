import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Announcer } from "../../src/directory/announce.ts";
import { Directory } from "../../src/directory/directory.ts";
import { follow } from "../../src/directory/follow.ts";
import { Poll } from "../../src/directory/poll.ts";
import { openStore } from "../../src/store/open-store.ts";
import { type Gateway, type Store, StoreBusy } from "../../src/store/store.ts";

const never = { intervalMs: 3_600_000, onTrouble: () => assert.fail("no trouble expected") };

async function withStore(use: (store: Store) => Promise<void>): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), "icebreaker-directory-"));
  const store = await openStore("sqlite:a.db", { stateDir, create: true, busyTimeoutMs: 50 });
  try {
    await use(store);
  } finally {
    await store.close();
    rmSync(stateDir, { recursive: true });
  }
}

describe("follow", () => {
  test("begins with everything, then tells what changed, and nothing when nothing did", () =>
    withStore(async (store) => {
      const directory = new Directory();
      let published = 0;
      const { id } = await store.createProject({ name: "a", regions: [] });
      const following = follow(
        store,
        (change) => {
          published++;
          directory.apply(change);
        },
        never,
      );
      await following.now();
      assert.ok(directory.project(id));
      await following.now();
      assert.equal(published, 1);
      await store.deleteProject(id);
      await following.now();
      assert.equal(directory.project(id), undefined);
      assert.equal(published, 2);
      await following.stop();
    }));

  test("publishes the beginning of an empty database too", () =>
    withStore(async (store) => {
      let published = 0;
      const following = follow(store, () => published++, never);
      await following.now();
      await following.now();
      await following.stop();
      assert.equal(published, 1);
    }));
});

describe("Poll", () => {
  test("tells trouble once, recovery once, and goes on by itself", async () => {
    const told: (string | undefined)[] = [];
    let fails = true;
    let attempts = 0;
    const recovered = Promise.withResolvers<void>();
    const poll = new Poll(
      async () => {
        if (++attempts === 4) fails = false;
        if (fails) throw new Error("gone");
      },
      {
        intervalMs: 1,
        onTrouble: (error) => {
          told.push(error?.message);
          if (!error) recovered.resolve();
        },
      },
    );
    await poll.now();
    await recovered.promise;
    await poll.stop();
    assert.deepEqual(told, ["gone", undefined]);
  });

  test("makes no attempt while it is quiet, unless it cannot know", async () => {
    let attempts = 0;
    let asked = 0;
    const isQuiet = (): boolean => {
      if (++asked === 5) throw new Error("gone");
      return asked < 5;
    };
    const second = Promise.withResolvers<void>();
    const task = async (): Promise<void> => {
      if (++attempts === 2) second.resolve();
    };
    const poll = new Poll(task, { intervalMs: 1, isQuiet, onTrouble: () => assert.fail("no trouble expected") });
    await poll.now();
    await second.promise;
    await poll.stop();
    assert.equal(asked, 5);
  });

  test("lets a database be busy for a while", async () => {
    let told = 0;
    const poll = new Poll(
      async () => {
        throw new StoreBusy("busy");
      },
      { intervalMs: 3_600_000, onTrouble: () => told++ },
    );
    for (let i = 0; i < 9; i++) await poll.now();
    assert.equal(told, 0);
    await poll.now();
    assert.equal(told, 1);
    await poll.stop();
  });
});

test("Announcer writes its row, says that it drains, and takes the row back", () =>
  withStore(async (store) => {
    let seen: readonly Gateway[] = [];
    let monotonicMs = 0;
    const clock = { now: () => ({ monotonicMs, unixMs: 1_800_000_000_000 + monotonicMs }) };
    const endpoints = { hostname: "relay.example.com", tls: 443, relay: true };
    const options = { ...never, heartbeatMs: 2000, id: "g", region: "eu-central", endpoints, clock };
    const announcer = new Announcer(store, {
      ...options,
      onGateways: (gateways) => {
        seen = gateways;
      },
    });
    await announcer.start();
    assert.deepEqual(
      seen.map(({ id, region, draining }) => ({ id, region, draining })),
      [{ id: "g", region: "eu-central", draining: false }],
    );
    const heartbeatAt = async (ms: number): Promise<number | undefined> => {
      monotonicMs = ms;
      await announcer.start();
      return (seen[0]?.heartbeatUnixMs ?? 0) - 1_800_000_000_000;
    };
    assert.equal(await heartbeatAt(1899), 0, "its heart beats at each heartbeat only");
    assert.equal(await heartbeatAt(2000), 2000);
    assert.equal(await heartbeatAt(2001), 2000);
    await announcer.update({ draining: true });
    assert.equal(seen[0]?.draining, true);
    assert.equal(seen[0]?.heartbeatUnixMs, 1_800_000_002_001, "what changed is said at once");
    await announcer.stop();
    assert.deepEqual(await store.gateways(0), []);
  }));
