import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeWorld } from "./fake-world.ts";

describe("icebreaker bench", () => {
  const refused = [
    { why: "an API without its key", argv: ["--url", "https://relay.example.com"], says: /needs --key: .* your own/ },
    { why: "a TURN server of anybody's", argv: ["--url", "turn:turn.example.org", "--key", "k"], says: /gateway of your own/ },
    { why: "a machine without a database", argv: [], says: /no database|cannot be opened/i },
  ];
  for (const { why, argv, says } of refused) {
    test(`does not load ${why}`, async () => {
      await using world = new FakeWorld();
      const { code, stdout, stderr } = await world.run(["bench", ...argv]);
      assert.equal(code, 1);
      assert.match(stderr, says);
      assert.equal(stdout, "");
    });
  }

  test("does not load where no gateway runs", async () => {
    await using world = await FakeWorld.withDatabase();
    const { code, stderr } = await world.run(["bench"]);
    assert.equal(code, 1);
    assert.match(stderr, /No gateway of this database is running/);
  });

  const wrong = [
    ["--allocations", "0"],
    ["--allocations", "10001"],
    ["--allocations", "1e3"],
    ["--seconds", "241"],
    ["--seconds", "-1"],
    ["--transport", "sctp"],
  ];
  for (const argv of wrong) {
    test(`${argv.join(" ")} is misuse`, async () => {
      await using world = new FakeWorld();
      const { code, stderr } = await world.run(["bench", ...argv]);
      assert.equal(code, 2, stderr);
    });
  }
});
