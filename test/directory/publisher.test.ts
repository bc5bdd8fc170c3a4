import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Directory, type Newcomers } from "../../src/directory/directory.ts";
import { Publisher } from "../../src/directory/publisher.ts";
import { Secret } from "../../src/lib/secret.ts";
import type { Change } from "../../src/store/store.ts";

const nothing = { revision: 1, more: false, projects: [], deletedProjects: [], keys: [], revokedKeys: [], revocations: [] };
const project = { id: "project_a", name: "a", regions: [], secret: new Secret(Uint8Array.of(1)) };
const key = { id: "key_1", project: "project_a", name: undefined, hash: "aa", createdUnixMs: 1 };

/** A publisher whose threads take changes in when the test says so. */
function published(): {
  readonly publisher: Publisher;
  readonly directory: Directory;
  readonly changes: Change[];
  readonly admitted: Newcomers[];
  /** All threads have taken in the oldest change that they had not. */
  take(): Promise<void>;
} {
  const directory = new Directory();
  const changes: Change[] = [];
  const admitted: Newcomers[] = [];
  const untaken: (() => void)[] = [];
  const publisher = new Publisher({
    directory,
    change: (change) => {
      changes.push(change);
      return new Promise((resolve) => untaken.push(resolve));
    },
    admit: (newcomers) => admitted.push(newcomers),
  });
  return {
    publisher,
    directory,
    changes,
    admitted,
    async take() {
      untaken.shift()?.();
      await Promise.resolve();
      await Promise.resolve();
    },
  };
}

describe("Publisher", () => {
  test("lets nobody mint for a project before every thread knows it", async () => {
    const { publisher, directory, changes, admitted, take } = published();
    publisher.publish({ ...nothing, projects: [project], keys: [key] });
    assert.deepEqual([changes[0]?.projects, changes[0]?.keys], [[project], []]);
    assert.equal(directory.project("project_a"), project);
    assert.equal(directory.projectByKey("aa"), undefined);
    assert.equal(directory.projectToMintFor("project_a"), undefined);
    let isAdmitted = false;
    const all = publisher.admitted().then(() => {
      isAdmitted = true;
    });
    assert.deepEqual([admitted, isAdmitted], [[], false]);
    await take();
    assert.deepEqual(directory.projectByKey("aa"), { key, project });
    assert.deepEqual(admitted, [{ keys: [key], projects: ["project_a"] }]);
    await all;
    assert.ok(isAdmitted);
  });

  test("what ends something is in force at once, and needs no second step", async () => {
    const { publisher, directory, admitted, take } = published();
    publisher.publish({ ...nothing, projects: [project], keys: [key] });
    await take();
    publisher.publish({ ...nothing, revokedKeys: ["key_1"] });
    assert.equal(directory.projectByKey("aa"), undefined);
    await publisher.admitted();
    assert.equal(admitted.length, 1);
  });

  for (const [what, end] of [
    ["a key that is revoked", { revokedKeys: ["key_1"] }],
    ["a project that is deleted", { deletedProjects: ["project_a"] }],
    ["all that a beginning does not name", { fromBeginning: true }],
  ] as const) {
    test(`${what} before every thread has heard of it does not come to life`, async () => {
      const { publisher, directory, take } = published();
      publisher.publish({ ...nothing, projects: [project], keys: [key] });
      publisher.publish({ ...nothing, ...end });
      await take();
      await take();
      assert.equal(directory.projectByKey("aa"), undefined);
      publisher.publish({ ...nothing, projects: [project] });
      await take();
      assert.equal(directory.projectByKey("aa"), undefined);
    });
  }
});
