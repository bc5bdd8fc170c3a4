import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyPositions } from "../../src/config/positions.ts";

describe("keyPositions", () => {
  test("finds keys and tables behind values of every kind", () => {
    const text = [
      "# [not] = 'a table'",
      'a = "x # ] = \\" y"',
      "b = [ # one ]",
      "  'c = 1', { d = 2 },",
      "] # end",
      'e.f = """',
      "g = 1",
      '"""',
      "h = '''",
      "i = 1'''",
      "  [ j . k ]",
      '\t"l" = { m = [1], n = "}" }',
      "o = 1979-05-27 07:32:00",
      "[[p]]",
      "q = 1",
    ].join("\r\n");
    const found = [...keyPositions(text)].map(([key, { line, column }]) => `${key} ${line}:${column}`);
    assert.deepEqual(found, ["a 2:1", "b 3:1", "e.f 6:1", "h 9:1", "j.k 11:3", "j.k.l 12:2", "j.k.o 13:1", "p 14:1", "p.q 15:1"]);
  });

  test("of nothing finds nothing", () => assert.equal(keyPositions(" \n# only a comment").size, 0));
});
