import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assert as invariant, unreachable } from "../../src/lib/assert.ts";

describe("invariants", () => {
  test("a broken one names itself", () => {
    invariant(true, "all is well");
    assert.throws(() => invariant(0, "ports are free or taken"), /Broken invariant: ports are free or taken/);
  });

  test("no case is left over", () => {
    const pretend: { kind: string } = { kind: "new" };
    assert.throws(() => Reflect.apply(unreachable, undefined, [pretend]), /"new"/);
  });
});
