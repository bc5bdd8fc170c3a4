import ts from "typescript";
import { type Finding, findingAt, layerOf, nodeRule, type Rule } from "./rule.ts";

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;

const inSrc = (path: string): boolean => layerOf(path) !== undefined;
const everywhere = (): boolean => true;

export const filesAreShort: Rule = {
  sentence: `A file has at most ${MAX_FILE_LINES} lines: what is longer is about two things`,
  find({ path, text }) {
    const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
    return lines > MAX_FILE_LINES ? [{ path, line: MAX_FILE_LINES + 1, what: `has ${lines} lines` }] : [];
  },
};

export const functionsAreShort = nodeRule(
  `A function has at most ${MAX_FUNCTION_LINES} lines: it fits on a screen`,
  everywhere,
  (node, { path, tree }) => {
    if (!ts.isFunctionLike(node) || isSuite(node, path)) return undefined;
    const first = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line;
    const lines = tree.getLineAndCharacterOfPosition(node.end).line - first + 1;
    return lines > MAX_FUNCTION_LINES ? `a function of ${lines} lines` : undefined;
  },
);

/** What is given to `describe`, calls it or `test`, or stands in test/suites, is a list of tests: not to be read at once. */
function isSuite(node: ts.SignatureDeclaration, path: string): boolean {
  if (path.startsWith("test/suites/") && ts.isSourceFile(node.parent)) return true;
  if (ts.isCallExpression(node.parent) && isCallOf(node.parent, /^describe\b/)) return true;
  const body = "body" in node ? node.body : undefined;
  return body !== undefined && ts.isBlock(body) && body.statements.some(listsTests);
}

function listsTests(statement: ts.Statement): boolean {
  if (ts.isForOfStatement(statement) && ts.isBlock(statement.statement)) return statement.statement.statements.some(listsTests);
  return ts.isExpressionStatement(statement) && isCallOf(statement.expression, /^(describe|test)\b/);
}

function isCallOf(node: ts.Node, name: RegExp): boolean {
  return ts.isCallExpression(node) && name.test(node.expression.getText());
}

export const noAny = nodeRule("Nothing is `any`: an unknown value is `unknown` until it is looked at", inSrc, (node) =>
  node.kind === ts.SyntaxKind.AnyKeyword ? "any" : undefined,
);

export const noAssertions = nodeRule(
  "No type is claimed, but `as const`, outside runtime/: what the compiler cannot see, it is shown",
  (path) => inSrc(path) && layerOf(path) !== "runtime",
  (node) => {
    if (ts.isNonNullExpression(node)) return "claims that a value is there";
    if (ts.isTypeAssertionExpression(node)) return "claims a type";
    return ts.isAsExpression(node) && !ts.isConstTypeReference(node.type) ? `claims "as ${node.type.getText()}"` : undefined;
  },
);

export const noConsole = nodeRule(
  "Logs go through observe/, output through cli/output.ts: nobody calls `console`",
  inSrc,
  (node) => (ts.isIdentifier(node) && node.text === "console" ? "names console" : undefined),
);

export const noDefaultExports = nodeRule("A thing has one name everywhere: nothing is exported as `default`", inSrc, (node) => {
  if (ts.isExportAssignment(node)) return "a default export";
  return node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent) ? "a default export" : undefined;
});

export const noSilentCatch = nodeRule("An error that is dropped says why: no empty `catch`", everywhere, (node) => {
  if (!ts.isCatchClause(node)) return undefined;
  return /^\{\s*\}$/.test(node.block.getText()) ? "an empty catch" : undefined;
});

export const noEnums = nodeRule("Types vanish and nothing else does: no enums, namespaces or decorators", everywhere, (node) => {
  if (ts.isEnumDeclaration(node)) return "an enum";
  return ts.isDecorator(node) ? "a decorator" : undefined;
});

export const namesAreKebabCase: Rule = {
  sentence: "Files are kebab-case after their main export, so that one can guess where a thing is",
  find({ path }) {
    const name = path.split("/").at(-1) ?? "";
    return /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|property))*\.(ts|mjs)$/.test(name)
      ? []
      : [{ path, line: 1, what: `is called ${name}` }];
  },
};

/** What an export must say before its name; implementations of an overload count once. */
export const exportsAreExplained: Rule = {
  sentence: "Every exported function and class says what it promises, in a docstring",
  find(source) {
    if (!inSrc(source.path)) return [];
    const explained = new Set<string>();
    const findings: Finding[] = [];
    for (const node of source.tree.statements) {
      if (!ts.isFunctionDeclaration(node) && !ts.isClassDeclaration(node)) continue;
      if (!node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
      const name = node.name?.text ?? "";
      if (ts.getJSDocCommentsAndTags(node).length > 0) explained.add(name);
      else if (!explained.has(name)) findings.push(findingAt(source, node, `${name} is not explained`));
    }
    return findings;
  },
};

const LEFTOVERS = new RegExp(`\\b(${["TO", "DO"].join("")}|${["FIX", "ME"].join("")}|${["XX", "X"].join("")})\\b`);

export const noLeftovers: Rule = {
  sentence: "What is to be done is done, or written down outside the code: no leftovers",
  find(source) {
    return source.text.split("\n").flatMap((line, i) => {
      const [word] = LEFTOVERS.exec(line) ?? [];
      return word === undefined ? [] : [{ path: source.path, line: i + 1, what: `says ${word}` }];
    });
  },
};

/** Every test file whose tests are turned off, or alone on, by hand. */
export const testsRun = nodeRule(
  "Every test runs: none is singled out, and one that is skipped says why",
  (path) => path.startsWith("test/"),
  (node) =>
    ts.isPropertyAccessExpression(node) && /^(test|describe|it)\.only$/.test(node.getText()) ? "singles out a test" : undefined,
);
