import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { isTable } from "../../src/config/check.ts";
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

const key = fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/);
const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 3 }));
const table = fc.dictionary(key, fc.oneof(value, fc.dictionary(key, value)), { noNullPrototype: true });

test("every key of a document that smol-toml writes is found where it stands", () => {
  fc.assert(
    fc.property(table, (document) => {
      const text = stringify(document);
      const lines = text.split("\n");
      const positions = keyPositions(text);
      for (const name of names(document)) {
        const { line = 0, column = 0 } = positions.get(name) ?? {};
        const last = name.slice(name.lastIndexOf(".") + 1);
        const found = lines[line - 1]?.slice(column - 1) ?? "";
        assert.ok(found.startsWith(last) || found.startsWith(`[${name}`), `${name} at ${line}:${column} of\n${text}`);
      }
    }),
    { numRuns: 100 },
  );
});

test("any text is answered", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."[]{}=.\"'#\\\na ") }), (text) => {
      keyPositions(text);
    }),
    { numRuns: 300 },
  );
});

/** Keys by dotted name; tables that hold tables alone may have no line of their own. */
function names(document: Record<string, unknown>): string[] {
  return Object.entries(document).flatMap(([name, inner]) =>
    isTable(inner) ? Object.keys(inner).map((property) => `${name}.${property}`) : [name],
  );
}
