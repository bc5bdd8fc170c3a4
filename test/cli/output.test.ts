import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTable } from "../../src/cli/output.ts";

test("a table's columns are as wide as their widest cell, and lines have no trailing blanks", () => {
  const rows = [
    ["1", "long one", ""],
    ["100", "b", "c"],
  ];
  assert.equal(formatTable({ columns: ["id", "name", "x"], rows }), "id   name      x\n1    long one\n100  b         c\n");
});
