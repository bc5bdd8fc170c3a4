import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/**
 * The names of all tests, as they stand in their sources. What a name says in several ways, `${name}`, is `*` here.
 *
 * @param folders below the root of the repository
 */
export function testNames(...folders: readonly string[]): ReadonlySet<string> {
  const sources = folders.flatMap((folder) => {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    return files.filter((file) => file.endsWith(".ts")).map((file) => readFileSync(join(root, folder, file), "utf8"));
  });
  return new Set(sources.flatMap(namesIn));
}

/** The rows of the one table of a Markdown page, by cell, its heading and rule left out. */
export function rowsOf(page: string, cells: number): readonly (readonly string[])[] {
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  const rows = lines
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  return rows.filter((row, i) => row.length === cells && i > 1);
}

function namesIn(source: string): string[] {
  const plain = [...source.matchAll(/\btest\(\s*"((?:[^"\\]|\\.)+)"/g)].map(([, name = ""]) => name);
  const made = [...source.matchAll(/\btest\(\s*`((?:[^`\\]|\\.)+)`/g)].map(([, name = ""]) => withoutHoles(name));
  return [...plain, ...made];
}

/** `a ${b} c` as `a * c`, whatever stands in the braces. */
function withoutHoles(template: string): string {
  let name = "";
  let depth = 0;
  for (let at = 0; at < template.length; at++) {
    if (template.startsWith("${", at)) {
      if (depth === 0) name += "*";
      depth++;
      at++;
    } else if (depth > 0) {
      if (template[at] === "{") depth++;
      if (template[at] === "}") depth--;
    } else {
      name += template[at];
    }
  }
  return name;
}
