import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { platform } from "node:process";
import { describe, test } from "node:test";
import { FreeDescriptors, shortages } from "../../src/gateway/shortages.ts";
import { unless } from "../support/needs.ts";

const plenty = { livePorts: 3, allPorts: 4, freeDescriptors: 1000 };

describe("shortages", () => {
  const codes = (stock: Partial<typeof plenty> | { freeDescriptors: undefined }): readonly string[] =>
    shortages({ ...plenty, ...stock }).map(({ code }) => code);

  test("are told when there is nothing left, each with the setting to change", () => {
    assert.deepEqual(codes({}), []);
    assert.deepEqual(codes({ livePorts: 4 }), ["ports_exhausted"]);
    assert.deepEqual(codes({ freeDescriptors: 3 }), ["descriptors_exhausted"]);
    assert.deepEqual(codes({ freeDescriptors: undefined }), []);
    assert.match(shortages({ ...plenty, livePorts: 4 })[0]?.detail ?? "", /relay\.ports/);
  });

  test("a gateway without relays lacks no ports", () => {
    assert.deepEqual(codes({ livePorts: 0, allPorts: 0 }), []);
  });

  test("descriptors are counted", { skip: unless(platform === "linux", "only Linux has /proc") }, () => {
    const free = new FreeDescriptors();
    const before = free.count ?? 0;
    const opened = Array.from({ length: 5 }, () => openSync("/dev/null", "r"));
    const after = free.count ?? 0;
    for (const descriptor of opened) closeSync(descriptor);
    assert.ok(before > 16);
    assert.ok(before - after >= 3, `${before} before, ${after} after`); // others in this process may close some meanwhile
  });
});
