import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Revocations } from "../../src/gateway/revocations.ts";
import type { Revocation } from "../../src/store/store.ts";
import { until } from "../support/shared.ts";

const HOUR_MS = 3_600_000;

/** A database that takes what comes, unless somebody holds it. */
function world(): { held: boolean; tries: number; applied: string[]; written: string[]; revocations: Revocations } {
  const state = { held: false, tries: 0, applied: [] as string[], written: [] as string[] };
  const revocations = new Revocations({
    apply: ({ username }) => void state.applied.push(username),
    write: async ({ username }) => {
      state.tries++;
      if (state.held) throw new Error("busy");
      state.written.push(username);
    },
    pauseMs: 10,
    patienceMs: 30,
  });
  return Object.assign(state, { revocations });
}

const of = (username: string): Revocation => ({ username, expiresUnixMs: HOUR_MS });

describe("revocations", () => {
  test("are in force, written and done", async () => {
    const { revocations, applied, written } = world();
    await Promise.all(["a", "b"].map((username) => revocations.revoke(of(username))));
    assert.deepEqual([applied, written, revocations.waiting], [["a", "b"], ["a", "b"], []]);
  });

  test("are in force while the database is held, nobody waits long, and they are written when it is free", async () => {
    const state = world();
    const { revocations } = state;
    state.held = true;
    const begun = performance.now();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => revocations.revoke(of(`user-${i}`))));
    assert.ok(performance.now() - begun < 2000);
    assert.ok(answers.every((answer) => answer === "waits"));
    assert.equal(state.applied.length, 50);
    assert.equal(revocations.waiting.length, 50);
    assert.equal(await revocations.revoke(of("user-0")), "waits");
    assert.equal(state.applied.length, 50, "the same one again is the same");
    const tries = state.tries;
    assert.ok(tries < 50, `${tries} tries while it was held`);

    state.held = false;
    await until(() => state.written.length === 50, 5000, "Fifty written revocations");
    assert.deepEqual(revocations.waiting, []);
    assert.equal(await revocations.revoke(of("user-0")), "written");
  });

  test("are tried once more at the end", async () => {
    const state = world();
    state.held = true;
    assert.equal(await state.revocations.revoke(of("a")), "waits");
    assert.equal(await state.revocations.revoke(of("b")), "waits");
    state.held = false;
    await state.revocations.close();
    assert.deepEqual(new Set(state.written), new Set(["a", "b"]));
  });
});
