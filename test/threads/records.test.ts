import assert from "node:assert/strict";
import { test } from "node:test";
import type { FromThread } from "../../src/threads/mailbox.ts";
import { MainRecords } from "../../src/threads/records.ts";

test("each revocation is settled by the answer with its own number, in any order; a strange number settles nothing", async () => {
  const told: FromThread[] = [];
  const records = new MainRecords((message) => told.push(message));
  const first = records.revoke({ username: "a", expiresUnixMs: 1 });
  const second = records.revoke({ username: "b", expiresUnixMs: 2 });
  assert.deepEqual(told, [
    { kind: "revoke", number: 1, username: "a", expiresUnixMs: 1 },
    { kind: "revoke", number: 2, username: "b", expiresUnixMs: 2 },
  ]);
  records.answered(9, true);
  records.answered(2, true);
  records.answered(1, false);
  assert.deepEqual([await first, await second], ["waits", "written"]);
});
