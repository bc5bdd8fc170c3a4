import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../support/child.ts";
import { pathOf } from "../support/needs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const TIMEOUT_MS = 60_000;
const bun = pathOf("bun") ?? "bun";

/**
 * Goal: a relayed datagram makes no object. Method: the bench counts every object on the heap of a process of its own in
 * which a whole relay thread works; that it sees what it should not find is tried with one object a datagram.
 */
describe("objects of relayed datagrams", () => {
  test("a million make fewer than a hundred", { timeout: TIMEOUT_MS }, async () => {
    const { code, stdout, stderr } = await runToEnd(bun, ["bench/relay-objects.ts"], { cwd: root });
    const [, perMillion] = /relay-objects: (\d+) objects for a million/.exec(stdout) ?? [];
    assert.ok(perMillion !== undefined && Number(perMillion) < 100, stdout + stderr);
    assert.equal(code, 0);
  });

  test("one made on purpose for each datagram to a peer is counted", { timeout: TIMEOUT_MS }, async () => {
    const args = ["bench/relay-objects.ts", "--litter", "--datagrams", "100000"];
    const { code, stdout, stderr } = await runToEnd(bun, args, { cwd: root });
    const [, perMillion] = /relay-objects: (\d+|Infinity) objects for a million/.exec(stdout) ?? [];
    assert.ok(Number(perMillion) >= 400_000, stdout + stderr);
    assert.equal(code, 1);
  });
});
