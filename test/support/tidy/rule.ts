import ts from "typescript";

/** A file as the rules see it. */
export interface Source {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** Something that breaks a rule. */
export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly what: string;
}

/** A rule of the house: pure, so that it can be tried on samples. */
export interface Rule {
  /** What must hold and why: the name of its test. */
  readonly sentence: string;
  find(source: Source): readonly Finding[];
}

/** Parses a text as a file of this path. */
export function sourceFrom(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true) };
}

/** `turn` for `src/turn/engine.ts`, `main` for `src/main.ts`; `undefined` outside `src`. */
export function layerOf(path: string): string | undefined {
  const [, layer] = /^src\/([^/]+)/.exec(path) ?? [];
  return layer?.replace(/\.ts$/, "");
}

/** Every node of a file, parents first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesOf(child);
}

/** A finding where a node begins. */
export function findingAt(source: Source, node: ts.Node, what: string): Finding {
  return findingOn(source, node.getStart(source.tree), what);
}

/** A finding at a place in the text. */
export function findingOn(source: Source, position: number, what: string): Finding {
  return { path: source.path, line: source.tree.getLineAndCharacterOfPosition(position).line + 1, what };
}

/** A rule about single nodes of the files that it is for. */
export function nodeRule(
  sentence: string,
  appliesTo: (path: string) => boolean,
  judge: (node: ts.Node, source: Source) => string | undefined,
): Rule {
  return {
    sentence,
    find(source) {
      if (!appliesTo(source.path)) return [];
      const findings: Finding[] = [];
      for (const node of nodesOf(source.tree)) {
        const what = judge(node, source);
        if (what !== undefined) findings.push(findingAt(source, node, what));
      }
      return findings;
    },
  };
}

/** Whether an identifier is a name in its own right, not the `x` of `a.x`, `{ x: 1 }` or a member called `x`. */
export function standsAlone(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isQualifiedName(parent)) {
    return (ts.isPropertyAccessExpression(parent) ? parent.name : parent.right) !== node;
  }
  if (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent))
    return parent.name !== node;
  if (ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent) || ts.isGetAccessor(parent)) return parent.name !== node;
  return !(ts.isBindingElement(parent) && parent.propertyName === node);
}
