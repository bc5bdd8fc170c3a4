import ts from "typescript";
import { importsOf } from "./imports.ts";
import { findingAt, layerOf, nodeRule, nodesOf, type Rule, standsAlone } from "./rule.ts";

const PURE = ["lib", "net", "stun", "credentials", "policy", "forward", "turn"];
const ENTRIES = ["src/main.ts", ...["relay", "edge", "bell"].map((name) => `src/threads/${name}-thread.ts`)];

/** Names through which the world comes in. */
const WORLD = [
  "Date",
  "performance",
  "console",
  "process",
  "fetch",
  "crypto",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "Worker",
  "globalThis",
];
const CHANCE = ["randomBytes", "randomInt", "randomUUID", "randomFill", "randomFillSync", "getRandomValues", "webcrypto"];

const isPure = (path: string): boolean => PURE.includes(layerOf(path) ?? "");
const inSrc = (path: string): boolean => layerOf(path) !== undefined;

export const noWorldInPureFolders = nodeRule(
  "Pure folders know no clock, chance, log or timer: whoever calls them hands in what they need, so that a test can too",
  isPure,
  (node) => {
    if (ts.isIdentifier(node) && WORLD.includes(node.text) && standsAlone(node)) return `names ${node.text}`;
    if (ts.isIdentifier(node) && CHANCE.includes(node.text)) return `draws chance from ${node.text}`;
    return ts.isPropertyAccessExpression(node) && node.getText() === "Math.random" ? "calls Math.random" : undefined;
  },
);

export const noWaitingInPureFolders = nodeRule(
  "Pure folders never wait: what is asked is answered at once, so nothing can happen in between",
  isPure,
  (node) => {
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) return "waits";
    return node.kind === ts.SyntaxKind.AsyncKeyword ? "is async" : undefined;
  },
);

export const noSystemInPureFolders: Rule = {
  sentence: "Pure folders import nothing of the system but the deterministic functions of node:crypto",
  find(source) {
    if (!isPure(source.path)) return [];
    return importsOf(source)
      .filter(({ from }) => !from.startsWith(".") && from !== "node:crypto")
      .map(({ node, from }) => findingAt(source, node, `imports ${from}`));
  },
};

export const noStateInPureFolders: Rule = {
  sentence: "Pure folders keep nothing between calls but in objects that their caller holds: two engines never meet",
  find(source) {
    if (!isPure(source.path)) return [];
    return source.tree.statements.filter(ts.isVariableStatement).flatMap((statement) => {
      if ((statement.declarationList.flags & ts.NodeFlags.Const) === 0) {
        return [findingAt(source, statement, "a variable at the top of a file")];
      }
      return statement.declarationList.declarations
        .filter(({ initializer, type }) => initializer && isEmptyCollection(initializer) && !isReadonly(type))
        .map((declaration) => findingAt(source, declaration, "an empty collection at the top of a file, to be filled later"));
    });
  },
};

/** `readonly T[]`, `ReadonlyMap<…>` and the like: nobody can fill those. */
function isReadonly(type: ts.TypeNode | undefined): boolean {
  return type !== undefined && /^readonly/i.test(type.getText());
}

function isEmptyCollection(value: ts.Expression): boolean {
  if (ts.isArrayLiteralExpression(value)) return value.elements.length === 0;
  if (ts.isObjectLiteralExpression(value)) return value.properties.length === 0;
  if (!ts.isNewExpression(value) || (value.arguments?.length ?? 0) > 0) return false;
  return ["Map", "Set", "WeakMap", "WeakSet", "Array"].includes(value.expression.getText());
}

export const nothingHappensOnImport: Rule = {
  sentence: "Only main.ts and the three entries in threads/ do something when imported: all other files declare",
  find(source) {
    if (!inSrc(source.path) || ENTRIES.includes(source.path)) return [];
    const actions = source.tree.statements.filter((statement) => !isDeclaration(statement));
    const awaits = source.tree.statements.filter(ts.isVariableStatement).filter((statement) => waitsAtTop(statement));
    return [...actions, ...awaits].map((statement) => findingAt(source, statement, "does something when imported"));
  },
};

function isDeclaration(statement: ts.Statement): boolean {
  return (
    ts.isImportDeclaration(statement) ||
    ts.isExportDeclaration(statement) ||
    ts.isExportAssignment(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isModuleDeclaration(statement) ||
    ts.isVariableStatement(statement)
  );
}

/** An `await` that no function delays. */
function waitsAtTop(node: ts.Node): boolean {
  if (ts.isAwaitExpression(node)) return true;
  if (ts.isFunctionLike(node)) return false;
  return ts.forEachChild(node, (child) => waitsAtTop(child) || undefined) ?? false;
}

export const onlyRuntimeKnowsRuntimes = nodeRule(
  "Only runtime/ knows Bun or Deno: what differs between them is written once",
  (path) => inSrc(path) && layerOf(path) !== "runtime",
  (node) =>
    ts.isIdentifier(node) && ["Bun", "Deno"].includes(node.text) && standsAlone(node) ? `names ${node.text}` : undefined,
);

const SQL =
  /^\s*(select\s[\s\S]+\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|create\s+(table|index|unique)\s|pragma\s+\w)/i;

export const onlyStoreKnowsSql: Rule = {
  sentence: "Only store/ knows SQL: everyone else speaks of projects, keys and gateways",
  find(source) {
    if (!inSrc(source.path) || layerOf(source.path) === "store") return [];
    return [...nodesOf(source.tree)]
      .filter((node) => (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) && SQL.test(node.text))
      .map((node) => findingAt(source, node, "a statement of SQL"));
  },
};
