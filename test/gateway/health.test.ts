import assert from "node:assert/strict";
import { test } from "node:test";
import { HealthBoard } from "../../src/gateway/health.ts";

test("starting, ready, degraded while a problem is there, draining to the end; every change is published", () => {
  const published: string[] = [];
  const board = new HealthBoard(({ status }) => published.push(status));
  assert.equal(board.current.status, "starting");
  board.enter("serving");
  board.raise({ code: "database", detail: "gone" });
  board.raise({ code: "database", detail: "still gone" });
  assert.deepEqual(board.current, { status: "degraded", problems: [{ code: "database", detail: "still gone" }] });
  board.settle("certificate");
  board.settle("database");
  assert.deepEqual(board.current, { status: "ready", problems: [] });
  board.enter("draining");
  board.raise({ code: "database", detail: "gone" });
  assert.deepEqual(published, ["ready", "degraded", "degraded", "ready", "draining", "draining"]);
});
