import assert from "node:assert/strict";
import { test } from "node:test";
import { makeApiKey } from "../../src/credentials/api-key.ts";
import { toHex } from "../../src/lib/bytes.ts";
import { randomFrom } from "../../src/lib/random.ts";
import type { Change, Store } from "../../src/store/store.ts";

/** One database, with as many connections as a test opens. */
export interface StoreWorld {
  open(): Promise<Store>;
  clock: { unixMs: number };
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const endpoints = { hostname: "relay.example.com", udp: 3478, tls: 443, relay: true };

/** Follows a store from revision 0 in pages of the given size. */
async function everything(store: Store, limit = 1000): Promise<Change[]> {
  const pages: Change[] = [];
  for (let revision = 0, more = true; more; ) {
    const page = await store.changesSince(revision, limit);
    pages.push(page);
    ({ revision, more } = page);
  }
  return pages;
}

/** What every Store must do. `world` gives a fresh, empty database for each test. */
export function storeSuite(name: string, world: (use: (world: StoreWorld) => Promise<void>) => Promise<void>): void {
  const check = (what: string, body: (store: Store, world: StoreWorld) => Promise<void>): void => {
    test(`${name}: ${what}`, () =>
      world(async (inside) => {
        const store = await inside.open();
        try {
          await body(store, inside);
        } finally {
          await store.close();
        }
      }));
  };
  const newKey = (): string => makeApiKey(randomFrom((count) => crypto.getRandomValues(new Uint8Array(count)))).hash;

  check("keeps a project as it was made", async (store) => {
    const project = await store.createProject({ name: "Überraschung", regions: ["eu-central", "us-east"] });
    assert.match(project.id, /^project_[a-z0-9]{12}$/);
    assert.equal(project.secret.reveal().length, 32);
    const found = await store.project(project.id);
    assert.deepEqual({ ...found, secret: undefined }, { ...project, secret: undefined });
    assert.equal(toHex(found?.secret.reveal() ?? new Uint8Array()), toHex(project.secret.reveal()));
    assert.equal(await store.project("project_none"), undefined);
    assert.deepEqual(
      (await store.projects()).map(({ id }) => id),
      [project.id],
    );
  });

  check("changes what is named and nothing else", async (store) => {
    const { id } = await store.createProject({ name: "a", regions: ["eu-central"] });
    assert.equal((await store.updateProject(id, { name: "b" }))?.name, "b");
    const changed = await store.updateProject(id, { regions: [] });
    assert.deepEqual([changed?.name, changed?.regions], ["b", []]);
    assert.equal(await store.updateProject("project_none", { name: "c" }), undefined);
  });

  check("deletes a project with its keys, once", async (store) => {
    const { id } = await store.createProject({ name: "a", regions: [] });
    await store.createKey({ project: id, name: undefined, hash: newKey() });
    assert.equal(await store.deleteProject(id), true);
    assert.equal(await store.deleteProject(id), false);
    assert.equal(await store.project(id), undefined);
    assert.deepEqual(await store.projects(), []);
    assert.deepEqual(await store.keys(id), []);
    assert.equal(await store.updateProject(id, { name: "b" }), undefined);
    await assert.rejects(store.createKey({ project: id, name: undefined, hash: newKey() }), RangeError);
  });

  check("keeps keys by hash, and revokes one, once", async (store) => {
    const { id } = await store.createProject({ name: "a", regions: [] });
    const one = await store.createKey({ project: id, name: "back end", hash: newKey() });
    const two = await store.createKey({ project: id, name: undefined, hash: newKey() });
    assert.deepEqual(new Set(await store.keys(id)), new Set([one, two]));
    assert.equal(await store.revokeKey(one.id), true);
    assert.equal(await store.revokeKey(one.id), false);
    assert.deepEqual(await store.keys(id), [two]);
  });

  check("tells a follower each change, and nothing twice", async (store) => {
    const nothing = await store.changesSince(0, 10);
    assert.deepEqual([nothing.projects, nothing.more, nothing.fromBeginning], [[], false, true]);

    const project = await store.createProject({ name: "a", regions: [] });
    const key = await store.createKey({ project: project.id, name: undefined, hash: newKey() });
    const first = await store.changesSince(nothing.revision, 10);
    assert.deepEqual([first.projects.map(({ id }) => id), first.keys], [[project.id], [key]]);

    const quiet = await store.changesSince(first.revision, 10);
    assert.equal(quiet.revision, first.revision);
    assert.deepEqual([quiet.projects, quiet.keys, quiet.fromBeginning], [[], [], undefined]);

    await store.revokeKey(key.id);
    const second = await store.changesSince(first.revision, 10);
    assert.deepEqual([second.projects, second.keys, second.revokedKeys], [[], [], [key.id]]);

    await store.deleteProject(project.id);
    const third = await store.changesSince(second.revision, 10);
    assert.deepEqual([third.projects, third.deletedProjects], [[], [project.id]]);
    assert.ok(third.revision > second.revision);
  });

  check("pages through many rows without losing or repeating one", async (store) => {
    const made: string[] = [];
    for (let i = 0; i < 25; i++) made.push((await store.createProject({ name: `${i}`, regions: [] })).id);
    for (const id of made.slice(0, 5)) await store.updateProject(id, { name: "again" });
    const pages = await everything(store, 7);
    assert.deepEqual(
      pages.map(({ more }) => more),
      [true, true, true, false],
    );
    assert.deepEqual(
      pages.map(({ fromBeginning }) => fromBeginning ?? false),
      [true, false, false, false],
    );
    const seen = pages.flatMap(({ projects }) => projects.map(({ id }) => id));
    assert.deepEqual(seen.sort(), made.sort());
    assert.ok(pages.every(({ projects }) => projects.length <= 7));
  });

  check("begins again for a follower from the future of a restored database", async (store) => {
    const { id } = await store.createProject({ name: "a", regions: [] });
    const change = await store.changesSince(1_000_000, 10);
    assert.deepEqual([change.fromBeginning, change.projects.map((project) => project.id)], [true, [id]]);
    assert.ok(change.revision < 1_000_000);
  });

  check("keeps a revocation until two hours after the credential has expired, or after it was made", async (store, { clock }) => {
    const long = { username: "1:project_a", expiresUnixMs: clock.unixMs + 2 * HOUR_MS };
    await store.revoke(long);
    await store.revoke({ username: "2:project_a", expiresUnixMs: clock.unixMs - HOUR_MS });
    await store.revoke(long);
    const gateway = { id: "g", region: "r", endpoints, draining: false, heartbeatUnixMs: clock.unixMs };
    const names = async (): Promise<string[]> =>
      (await store.changesSince(0, 10)).revocations.map(({ username }) => username).sort();
    assert.deepEqual(await names(), ["1:project_a", "2:project_a"]);
    clock.unixMs += 2 * HOUR_MS;
    await store.announce(gateway);
    assert.deepEqual(await names(), ["1:project_a", "2:project_a"]);
    clock.unixMs += MINUTE_MS; // what is over is looked for once a minute
    await store.announce(gateway);
    assert.deepEqual(await names(), ["1:project_a"]);
    clock.unixMs += 2 * HOUR_MS;
    await store.announce(gateway);
    assert.deepEqual(await names(), []);
  });

  check("keeps one row a gateway, without a new revision", async (store, { clock }) => {
    const { revision } = await store.changesSince(0, 10);
    const gateway = { id: "g1", region: "eu-central", endpoints, draining: false, heartbeatUnixMs: clock.unixMs };
    await store.announce(gateway);
    const later = { ...gateway, draining: true, heartbeatUnixMs: clock.unixMs + 1000 };
    await store.announce(later);
    await store.announce({ ...gateway, id: "g0", heartbeatUnixMs: clock.unixMs - 60_000 });
    assert.deepEqual(await store.gateways(clock.unixMs), [later]);
    assert.equal((await store.gateways(0)).length, 2);
    await store.withdraw("g1");
    assert.deepEqual(await store.gateways(clock.unixMs), []);
    assert.equal((await store.changesSince(0, 10)).revision, revision);
  });

  check("has another version after every change of anybody, where it has one", async (store, { open }) => {
    const other = await open();
    try {
      const before = store.version();
      assert.equal(store.version(), before);
      for (const each of [store, other]) {
        const known = store.version();
        await each.createProject({ name: "a", regions: [] });
        if (before === undefined) assert.equal(store.version(), undefined);
        else assert.notEqual(store.version(), known);
      }
    } finally {
      await other.close();
    }
  });

  check("shows one connection what another wrote", async (store, { open }) => {
    const other = await open();
    try {
      const { revision } = await store.changesSince(0, 10);
      const made = [];
      for (const each of [store, other, store, other]) made.push(await each.createProject({ name: "a", regions: [] }));
      const change = await store.changesSince(revision, 10);
      assert.deepEqual(new Set(change.projects.map(({ id }) => id)), new Set(made.map(({ id }) => id)));
      assert.equal(change.revision, revision + 4);
    } finally {
      await other.close();
    }
  });
}
