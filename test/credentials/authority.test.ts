import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProjectAuthority } from "../../src/credentials/authority.ts";
import { credentialKey, mint } from "../../src/credentials/credential.ts";
import { Generations } from "../../src/credentials/generations.ts";
import { Secret } from "../../src/lib/secret.ts";

const now = { monotonicMs: 0, unixMs: 1_000_000_000 };

/** A directory of one project that a test can change. */
function world() {
  const project = { id: "project_a", secret: new Secret("one") };
  const revoked = new Set<string>();
  let current: typeof project | undefined = project;
  const projects = {
    project: (id: string) => (id === current?.id ? current : undefined),
    isRevoked: (name: string) => revoked.has(name),
  };
  return {
    project,
    revoked,
    authority: new ProjectAuthority(projects, "eu-central"),
    replace: (next: typeof project | undefined) => {
      current = next;
    },
  };
}

describe("ProjectAuthority", () => {
  test("knows what was minted for its region, and its password", () => {
    const { authority, project } = world();
    const pair = mint(credentialKey(project, "eu-central"), { ttl: 60, label: "ann" }, now);
    const known = authority.judge(pair.username, now);
    assert.equal(known?.password.revealText(), pair.credential);
    assert.equal(known?.label, "ann");
    assert.equal(known?.expiresUnixMs, now.unixMs + 60_000);
    assert.equal(authority.judge(pair.username, now), known, "the second time without arithmetic");
  });

  test("has another password for a credential of another region", () => {
    const { authority, project } = world();
    const pair = mint(credentialKey(project, "us-east"), { ttl: 60 }, now);
    assert.notEqual(authority.judge(pair.username, now)?.password.revealText(), pair.credential);
  });

  test("knows an expired one: what it may still do is the engine's to decide", () => {
    const { authority } = world();
    assert.equal(authority.judge("1:project_a", now)?.expiresUnixMs, 1000);
  });

  test("does not know malformed, foreign or revoked ones", () => {
    const { authority, revoked } = world();
    assert.ok(authority.judge("2000000:project_a", now));
    revoked.add("2000000:project_a");
    for (const username of ["2000000:project_a", "2000000:project_b", "project_a", ""]) {
      assert.equal(authority.judge(username, now), undefined, username);
    }
  });

  test("forgets a deleted project at once, and follows a new secret", () => {
    const { authority, replace } = world();
    const before = authority.judge("2000000:project_a", now)?.password.revealText();
    replace({ id: "project_a", secret: new Secret("two") });
    const after = authority.judge("2000000:project_a", now)?.password.revealText();
    assert.notEqual(after, before);
    replace(undefined);
    assert.equal(authority.judge("2000000:project_a", now), undefined);
  });
});

describe("Generations", () => {
  test("is bounded, and keeps what is in use through a flood", () => {
    const cache = new Generations<string, number>(10);
    cache.set("hot", 1);
    for (let i = 0; i < 1000; i++) {
      cache.set(`cold ${i}`, i);
      assert.equal(cache.get("hot"), 1);
      assert.ok(cache.size <= 20);
    }
    assert.equal(cache.get("cold 1"), undefined);
  });
});
