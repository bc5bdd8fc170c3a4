import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Directory, decodeChange, encodeChange } from "../../src/directory/directory.ts";
import { Secret } from "../../src/lib/secret.ts";
import type { Change } from "../../src/store/store.ts";

const now = { monotonicMs: 0, unixMs: 1_000_000 };
const project = { id: "project_a", name: "a", regions: ["eu-central"], secret: new Secret(Uint8Array.of(0, 255, 7)) };
const key = { id: "key_1", project: "project_a", name: undefined, hash: "aa", createdUnixMs: 1 };

const everything = { keys: [key], projects: [project.id] };

const change = (some: Partial<Change>): Change => ({
  revision: 1,
  more: false,
  projects: [],
  deletedProjects: [],
  keys: [],
  revokedKeys: [],
  revocations: [],
  ...some,
});

describe("Directory", () => {
  test("finds a project by its key, whichever came first", () => {
    const directory = new Directory();
    directory.admit({ keys: [key], projects: [] });
    assert.equal(directory.projectByKey("aa"), undefined);
    directory.apply(change({ revision: 2, projects: [project] }));
    assert.equal(directory.projectByKey("aa"), undefined);
    directory.admit({ keys: [], projects: ["project_a"] });
    assert.deepEqual(directory.projectByKey("aa"), { key, project });
    assert.equal(directory.project("project_a"), project);
    assert.equal(directory.projectByKey("bb"), undefined);
    assert.equal(directory.revision, 2);
  });

  test("verifies for a project at once, and mints for it when it is told to", () => {
    const directory = new Directory();
    directory.apply(change({ projects: [project], keys: [key] }));
    assert.equal(directory.project("project_a"), project);
    assert.equal(directory.projectToMintFor("project_a"), undefined);
    assert.equal(directory.projectByKey("aa"), undefined);
    directory.admit(everything);
    assert.equal(directory.projectToMintFor("project_a"), project);
    const renamed = { ...project, name: "b" };
    directory.apply(change({ projects: [renamed] }));
    assert.deepEqual(directory.projectByKey("aa"), { key, project: renamed });
  });

  test("forgets a revoked key, and with a project all its keys", () => {
    const directory = new Directory();
    const second = { ...key, id: "key_2", hash: "bb" };
    directory.apply(change({ projects: [project] }));
    directory.admit({ keys: [key, second], projects: ["project_a"] });
    directory.apply(change({ revokedKeys: ["key_1", "key_unknown"] }));
    assert.equal(directory.projectByKey("aa"), undefined);
    assert.ok(directory.projectByKey("bb"));
    directory.apply(change({ deletedProjects: ["project_a"] }));
    assert.equal(directory.project("project_a"), undefined);
    assert.equal(directory.projectToMintFor("project_a"), undefined);
    directory.apply(change({ projects: [project] }));
    directory.admit({ keys: [], projects: ["project_a"] });
    assert.equal(directory.projectByKey("bb"), undefined);
  });

  test("knows a revocation until it ends", () => {
    const directory = new Directory();
    directory.apply(change({ revocations: [{ username: "u", expiresUnixMs: now.unixMs + 10 }] }));
    assert.ok(directory.isRevoked("u", now));
    assert.ok(!directory.isRevoked("v", now));
    assert.ok(!directory.isRevoked("u", { ...now, unixMs: now.unixMs + 11 }));
  });

  test("begins again when told that this is the beginning", () => {
    const directory = new Directory();
    const revocations = [{ username: "u", expiresUnixMs: now.unixMs + 10 }];
    directory.apply(change({ revision: 9, projects: [project], revocations }));
    directory.admit(everything);
    directory.apply(change({ revision: 2, fromBeginning: true }));
    assert.deepEqual(
      [directory.project("project_a"), directory.projectByKey("aa"), directory.revision],
      [undefined, undefined, 2],
    );
    assert.ok(!directory.isRevoked("u", now));
  });
});

test("a change crosses threads as a text, with its secrets", () => {
  const before = change({
    projects: [project],
    keys: [{ ...key, name: "back end" }],
    revocations: [{ username: "u", expiresUnixMs: 5 }],
    fromBeginning: true,
  });
  const after = decodeChange(encodeChange(before));
  assert.deepEqual([...(after.projects[0]?.secret.reveal() ?? [])], [0, 255, 7]);
  assert.deepEqual({ ...after, projects: [] }, { ...before, projects: [] });
});
