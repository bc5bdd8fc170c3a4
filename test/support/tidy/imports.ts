import { posix } from "node:path";
import ts from "typescript";
import { findingAt, layerOf, nodesOf, type Rule, type Source } from "./rule.ts";

const TURN_AND_BELOW = "turn forward policy credentials stun net lib";
const EVERYTHING_BELOW_GATEWAY =
  "config threads http directory store edge relay observe dataplane runtime client turn forward policy credentials stun net lib";

/** Who may import whom, as ARCHITECTURE.md §13 has it. `name:types` means `import type` only. */
export const MAY_IMPORT: ReadonlyMap<string, string> = new Map([
  ["lib", ""],
  ["net", "lib"],
  ["stun", "net lib"],
  ["credentials", "lib"],
  ["policy", "net lib"],
  ["forward", "stun net lib"],
  ["turn", "forward policy credentials stun net lib"],
  ["client", "stun net lib"],
  ["runtime", "lib"],
  ["dataplane", "runtime net lib forward:types"],
  ["observe", "net lib turn:types"],
  ["relay", `${TURN_AND_BELOW} dataplane observe runtime`],
  ["edge", "stun net lib dataplane:types"],
  ["store", "credentials lib"],
  ["directory", "store credentials lib"],
  ["http", "directory credentials policy observe lib"],
  ["threads", `relay edge http directory dataplane runtime observe ${TURN_AND_BELOW}`],
  ["config", "net lib"],
  ["gateway", EVERYTHING_BELOW_GATEWAY],
  ["cli", "gateway config directory store client credentials lib"],
  ["main", "cli"],
]);

/** Where a package has its home (TypeBox has two: it is Elysia's own). Packages that are not here belong nowhere in `src`. */
const HOMES_OF_PACKAGE: ReadonlyMap<string, string> = new Map([
  ["elysia", "http"],
  ["jose", "http"],
  ["kysely", "store"],
  ["postgres", "store"],
  ["node:sqlite", "store"],
  ["pino", "observe"],
  ["pino-pretty", "observe"],
  ["@sinclair/typebox", "config http"],
  ["smol-toml", "config"],
  ["commander", "cli"],
  ["bun", "runtime"],
  ["bun:ffi", "runtime"],
  ["bun:jsc", "runtime"],
]);

/** One import of a file, static or dynamic. */
interface Import {
  readonly node: ts.Node;
  readonly from: string;
  /** Gone at run time. */
  readonly typesOnly: boolean;
}

export const followsTheTable: Rule = {
  sentence:
    "ARCHITECTURE.md §13: a layer imports only those below it, so that it can be understood and tested without those above",
  find(source) {
    const layer = layerOf(source.path);
    if (layer === undefined) return [];
    const allowed = MAY_IMPORT.get(layer)?.split(" ") ?? [];
    return importsOf(source).flatMap(({ node, from, typesOnly }) => {
      const to = layerOfImport(source, from);
      if (to === undefined || to === layer || allowed.includes(to)) return [];
      if (typesOnly && allowed.includes(`${to}:types`)) return [];
      const more = allowed.includes(`${to}:types`) ? ", of which it may know types only" : "";
      return [findingAt(source, node, `${layer}/ imports ${to}/${more}`)];
    });
  },
};

export const packagesHaveOneHome: Rule = {
  sentence: "Elysia lives in http/, SQL in store/, pino in observe/: each package has one home, so that it can be replaced there",
  find(source) {
    const layer = layerOf(source.path);
    if (layer === undefined) return [];
    return importsOf(source).flatMap(({ node, from }) => {
      const name = packageOf(from);
      const homes = HOMES_OF_PACKAGE.get(name ?? "") ?? "nowhere";
      if (name === undefined || homes.split(" ").includes(layer)) return [];
      return [findingAt(source, node, `${name} is imported in ${layer}/, its home is ${homes}`)];
    });
  },
};

export const pathsAreWhole: Rule = {
  sentence: "A relative import names its file, with .ts: both runtimes and the reader find it without guessing",
  find(source) {
    return importsOf(source)
      .filter(({ from }) => from.startsWith(".") && !/\.(ts|mjs|json|html|css|sql|js|svg|txt)$/.test(from))
      .map(({ node, from }) => findingAt(source, node, `"${from}" has no extension`));
  },
};

export const noBarrels: Rule = {
  sentence: "A name is imported from the file that makes it: a file that hands on names of others hides where things are",
  find(source) {
    if (layerOf(source.path) === undefined) return [];
    return source.tree.statements
      .filter((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined)
      .map((statement) => findingAt(source, statement, "hands on names of another file"));
  },
};

/** Every import and hand-on of a file, `import()` of a literal included. */
export function importsOf(source: Source): readonly Import[] {
  const imports: Import[] = [];
  for (const node of nodesOf(source.tree)) {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      imports.push({ node, from: node.moduleSpecifier.text, typesOnly: hasTypesOnly(node.importClause) });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      imports.push({ node, from: node.moduleSpecifier.text, typesOnly: node.isTypeOnly });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) imports.push({ node, from: argument.text, typesOnly: false });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      imports.push({ node, from: node.argument.literal.text, typesOnly: true });
    }
  }
  return imports;
}

/** `import type { A }` and `import { type A }`. */
function hasTypesOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  if (clause.name !== undefined || bindings === undefined || !ts.isNamedImports(bindings)) return false;
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

function layerOfImport(source: Source, from: string): string | undefined {
  return from.startsWith(".") ? layerOf(posix.join(posix.dirname(source.path), from)) : undefined;
}

/** The package of a bare import; `undefined` for files, and for what every runtime has. */
function packageOf(from: string): string | undefined {
  if (from.startsWith(".")) return undefined;
  if (from.startsWith("node:")) return from === "node:sqlite" ? from : undefined;
  const parts = from.split("/");
  return from.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
}

/** What breaks a table as it stands in a document: rows of `| folder | may import |`. */
export function differencesTo(markdown: string): readonly string[] {
  const differences: string[] = [];
  const seen = new Set<string>();
  for (const [, folder = "", words = ""] of markdown.matchAll(/^\| ([a-z]+) \| ([^|]+) \|$/gm)) {
    const expected = MAY_IMPORT.get(folder);
    if (expected === undefined || seen.has(folder)) continue;
    seen.add(folder);
    if (words.trim() !== "everything above" && sorted(words.replaceAll(/ \(types\)/g, ":types")) !== sorted(expected)) {
      differences.push(`${folder}: the document says "${words.trim()}", the check "${expected}"`);
    }
  }
  for (const folder of MAY_IMPORT.keys()) if (!seen.has(folder)) differences.push(`${folder} is not in the document`);
  return differences;
}

function sorted(words: string): string {
  return (words.match(/[a-z]+(:types)?/g) ?? []).sort().join(" ");
}
