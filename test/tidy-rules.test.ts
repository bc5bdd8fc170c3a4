import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as imports from "./support/tidy/imports.ts";
import * as purity from "./support/tidy/purity.ts";
import { type Rule, sourceFrom } from "./support/tidy/rule.ts";
import * as shape from "./support/tidy/shape.ts";
import { foreignWords } from "./support/tidy/words.ts";

interface Samples {
  readonly rule: Rule;
  /** Path and text of files that keep it. */
  readonly kept: readonly (readonly [path: string, text: string])[];
  /** Files that break it, each at least once. */
  readonly broken: readonly (readonly [path: string, text: string])[];
}

const lines = (count: number): string => "1;\n".repeat(count);
const to = (...pieces: string[]): string => pieces.join("");

const samples: readonly Samples[] = [
  {
    rule: imports.followsTheTable,
    kept: [
      ["src/net/ip.ts", 'import { a } from "../lib/bytes.ts";'],
      ["src/stun/attributes/text.ts", 'import { a } from "../codec.ts"; import { b } from "../../net/ip.ts";'],
      ["src/observe/narrate.ts", 'import type { TurnEvent } from "../turn/event.ts";'],
      ["src/observe/narrate.ts", 'import { type TurnEvent } from "../turn/event.ts";'],
      ["src/main.ts", 'import { run } from "./cli/cli.ts";'],
      ["src/gateway/gateway.ts", 'import { a } from "../threads/pool.ts";'],
      ["test/net/ip.test.ts", 'import { a } from "../../src/turn/engine.ts";'],
    ],
    broken: [
      ["src/lib/bytes.ts", 'import { a } from "../net/ip.ts";'],
      ["src/lib/bytes.ts", 'import type { A } from "../net/ip.ts";'],
      ["src/observe/narrate.ts", 'import { Engine } from "../turn/engine.ts";'],
      ["src/observe/narrate.ts", 'import { type A, b } from "../turn/engine.ts";'],
      ["src/edge/sniff.ts", 'export { a } from "../http/app.ts";'],
      ["src/turn/engine.ts", 'const a = import("../config/load.ts");'],
      ["src/turn/engine.ts", 'let a: import("../config/load.ts").Settings;'],
      ["src/threads/pool.ts", 'import { a } from "../config/load.ts";'],
      ["src/cli/commands/serve.ts", 'import "../../turn/engine.ts";'],
      ["src/main.ts", 'import { a } from "./gateway/gateway.ts";'],
    ],
  },
  {
    rule: imports.packagesHaveOneHome,
    kept: [
      ["src/http/app.ts", 'import { Elysia } from "elysia";'],
      ["src/store/sqlite.ts", 'import { DatabaseSync } from "node:sqlite"; import { Kysely } from "kysely";'],
      ["src/edge/listener.ts", 'import { createServer } from "node:net";'],
      ["src/edge/certificates.ts", 'import { X509Certificate } from "node:crypto";'],
      ["bench/mint.ts", 'import { Elysia } from "elysia";'],
    ],
    broken: [
      ["src/edge/listener.ts", 'import { Elysia } from "elysia";'],
      ["src/edge/listener.ts", 'import type { Elysia } from "elysia/types";'],
      ["src/gateway/gateway.ts", 'import { pino } from "pino";'],
      ["src/directory/follow.ts", 'import postgres from "postgres";'],
      ["src/cli/cli.ts", 'import { DatabaseSync } from "node:sqlite";'],
      ["src/dataplane/libc.ts", 'import { dlopen } from "bun:ffi";'],
      ["src/http/app.ts", 'import { anything } from "left-pad";'],
    ],
  },
  {
    rule: imports.pathsAreWhole,
    kept: [["src/net/ip.ts", 'import { a } from "../lib/bytes.ts"; import "node:net";']],
    broken: [["src/net/ip.ts", 'import { a } from "../lib/bytes";']],
  },
  {
    rule: imports.noBarrels,
    kept: [["src/net/ip.ts", "const a = 1; export { a };"]],
    broken: [
      ["src/net/index.ts", 'export * from "./ip.ts";'],
      ["src/net/index.ts", 'export type { A } from "./ip.ts";'],
    ],
  },
  {
    rule: purity.noWorldInPureFolders,
    kept: [
      ["src/turn/a.ts", "const a = Math.max(1, now.monotonicMs); const b = { process: 1, Date: 2 }; b.process;"],
      ["src/turn/a.ts", "// Date and performance.now() in words\nclass A { fetch(): void {} }"],
      ["src/edge/a.ts", "const a = Date.now();"],
    ],
    broken: [
      ["src/turn/a.ts", "const a = Date.now();"],
      ["src/policy/a.ts", "const a = performance.now();"],
      ["src/lib/a.ts", "const a = Math.random();"],
      ["src/stun/a.ts", "setTimeout(a, 1);"],
      ["src/net/a.ts", "process.env;"],
      ["src/credentials/a.ts", 'import { randomBytes } from "node:crypto";'],
      ["src/credentials/a.ts", "const a = { Date };"],
      ["src/forward/a.ts", "globalThis.a = 1;"],
    ],
  },
  {
    rule: purity.noWaitingInPureFolders,
    kept: [["src/http/a.ts", "async function a() { await b; }"]],
    broken: [
      ["src/turn/a.ts", "async function a() {}"],
      ["src/turn/a.ts", "const a = async () => {};"],
      ["src/turn/a.ts", "await b;"],
      ["src/turn/a.ts", "for await (const a of b) c();"],
    ],
  },
  {
    rule: purity.noSystemInPureFolders,
    kept: [
      ["src/stun/a.ts", 'import { createHmac } from "node:crypto"; import { a } from "./b.ts";'],
      ["src/edge/a.ts", 'import { connect } from "node:net";'],
    ],
    broken: [
      ["src/stun/a.ts", 'import { connect } from "node:net";'],
      ["src/net/a.ts", 'import ipaddr from "ipaddr.js";'],
    ],
  },
  {
    rule: purity.noStateInPureFolders,
    kept: [
      ["src/turn/a.ts", "const a = [1]; const b = new Map([[1, 2]]); function c() { let d = 1; const e = []; }"],
      ["src/turn/a.ts", "const nothing: readonly Action[] = [];"],
      ["src/edge/a.ts", "let a = 1;"],
    ],
    broken: [
      ["src/turn/a.ts", "let a = 1;"],
      ["src/turn/a.ts", "export var a;"],
      ["src/turn/a.ts", "const cache = new Map();"],
      ["src/turn/a.ts", "const cache: Map<string, number> = new Map();"],
      ["src/turn/a.ts", "const list = [];"],
      ["src/turn/a.ts", "const object = {};"],
    ],
  },
  {
    rule: purity.nothingHappensOnImport,
    kept: [
      ["src/main.ts", "run(process.argv);"],
      ["src/threads/relay-thread.ts", "await run();"],
      ["src/turn/a.ts", "export const a = b(); function b() { c(); } class D {} interface E {} type F = 1;"],
      ["src/http/a.ts", "const a = async () => { await b; };"],
      ["tools/decode.ts", "run();"],
    ],
    broken: [
      ["src/turn/a.ts", "a();"],
      ["src/cli/cli.ts", "if (import.meta.main) a();"],
      ["src/threads/pool.ts", "a = 1;"],
      ["src/http/a.ts", "const a = await b();"],
      ["src/lib/a.ts", "for (const a of b) c(a);"],
    ],
  },
  {
    rule: purity.onlyRuntimeKnowsRuntimes,
    kept: [
      ["src/runtime/bun.ts", "Bun.gc();"],
      ["src/edge/a.ts", '// Bun does this\nconst a = "Deno"; b.Bun;'],
    ],
    broken: [
      ["src/edge/a.ts", "Bun.gc();"],
      ["src/edge/a.ts", 'if (typeof Deno === "undefined") a();'],
    ],
  },
  {
    rule: purity.onlyStoreKnowsSql,
    kept: [
      ["src/store/sqlite.ts", 'db.exec("select a from b");'],
      [
        "src/cli/a.ts",
        '"Select a region from the list"; "update the key"; "delete it";'.replace(
          "Select a region from the",
          "Select one of the",
        ),
      ],
    ],
    broken: [
      ["src/http/a.ts", 'db.exec("SELECT a FROM b");'],
      ["src/http/a.ts", "db.exec(`insert into a values (" + "$" + "{b})`);"],
      ["src/http/a.ts", 'db.exec("PRAGMA user_version");'],
      ["src/http/a.ts", 'db.exec("  update a set b = 1");'],
    ],
  },
  { rule: shape.filesAreShort, kept: [["src/lib/a.ts", lines(400)]], broken: [["test/a.test.ts", lines(401)]] },
  {
    rule: shape.functionsAreShort,
    kept: [
      ["src/lib/a.ts", `function a() {\n${lines(58)}}`],
      ["test/a.test.ts", `describe("a", () => {\n${lines(100)}});`],
      ["test/suites/a.ts", `export function suite() {\n${lines(100)}test("a", () => {});\n}`],
    ],
    broken: [
      ["src/lib/a.ts", `function a() {\n${lines(59)}}`],
      ["src/lib/a.ts", `class A { b() {\n${lines(59)}} }`],
      ["src/lib/a.ts", `const a = () => {\n${lines(59)}};`],
      ["test/a.test.ts", `test("a", () => {\n${lines(59)}});`],
    ],
  },
  {
    rule: shape.noAny,
    kept: [["src/lib/a.ts", 'const any = "any"; let b: unknown;']],
    broken: [
      ["src/lib/a.ts", "let a: any;"],
      ["src/lib/a.ts", "let a: Map<string, any>;"],
    ],
  },
  {
    rule: shape.noAssertions,
    kept: [
      ["src/lib/a.ts", "const a = [1] as const; const b = { c: 1 } satisfies D;"],
      ["src/runtime/bun.ts", "const a = b as C;"],
      ["src/lib/a.ts", 'import { a as b } from "./a.ts"; const c = !d;'],
    ],
    broken: [
      ["src/lib/a.ts", "const a = b as C;"],
      ["src/lib/a.ts", "const a = b as unknown;"],
      ["src/lib/a.ts", "const a = <C>b;"],
      ["src/lib/a.ts", "const a = b!;"],
      ["src/lib/a.ts", "const a = b!.c;"],
    ],
  },
  {
    rule: shape.noConsole,
    kept: [
      ["src/cli/output.ts", "process.stdout.write(a);"],
      ["tools/a.ts", "console.log(1);"],
    ],
    broken: [["src/cli/output.ts", "console.log(1);"]],
  },
  {
    rule: shape.noDefaultExports,
    kept: [["src/lib/a.ts", "export const a = 1; switch (a) { default: b(); }"]],
    broken: [
      ["src/lib/a.ts", "export default 1;"],
      ["src/lib/a.ts", "export default function a() {}"],
    ],
  },
  {
    rule: shape.noSilentCatch,
    kept: [
      ["src/lib/a.ts", "try { a(); } catch { return undefined; }"],
      ["src/lib/a.ts", "try { a(); } catch {\n  // It was closed before.\n}"],
    ],
    broken: [
      ["src/lib/a.ts", "try { a(); } catch {}"],
      ["tools/a.mjs", "try { a(); } catch (error) {\n}"],
    ],
  },
  {
    rule: shape.noEnums,
    kept: [["src/lib/a.ts", "const A = { b: 1 } as const;"]],
    broken: [
      ["src/lib/a.ts", "enum A { b }"],
      ["src/lib/a.ts", "@a class B {}"],
    ],
  },
  {
    rule: shape.namesAreKebabCase,
    kept: [
      ["src/turn/peer-data.ts", ""],
      ["test/turn/permission.property.test.ts", ""],
      ["tools/ensure.mjs", ""],
    ],
    broken: [
      ["src/turn/peerData.ts", ""],
      ["src/turn/peer_data.ts", ""],
      ["src/turn/Peer.ts", ""],
      ["src/turn/peer.d.ts", ""],
    ],
  },
  {
    rule: shape.exportsAreExplained,
    kept: [
      ["src/lib/a.ts", "/** Says a. */\nexport function a() {}\nfunction b() {}"],
      ["test/a.ts", "export function a() {}"],
    ],
    broken: [
      ["src/lib/a.ts", "export function a() {}"],
      ["src/lib/a.ts", "// Says a.\nexport class A {}"],
    ],
  },
  {
    rule: shape.noLeftovers,
    kept: [["src/lib/a.ts", "// What is to do is done."]],
    broken: [
      ["src/lib/a.ts", to("// TO", "DO: more")],
      ["test/a.test.ts", to("// FIX", "ME")],
    ],
  },
  {
    rule: shape.testsRun,
    kept: [["test/a.test.ts", 'test("a", { skip: needs("deno") }, b);']],
    broken: [["test/a.test.ts", 'test.only("a", b);']],
  },
];

/** A check that cannot fail checks nothing: each is shown files that keep its rule and files that break it. */
describe("the rules of the house", () => {
  for (const { rule, kept, broken } of samples) {
    test(`can tell: ${rule.sentence}`, () => {
      for (const [path, text] of kept) assert.deepEqual(rule.find(sourceFrom(path, text)), [], `${path}: ${text.slice(0, 100)}`);
      for (const [path, text] of broken) {
        assert.ok(rule.find(sourceFrom(path, text)).length > 0, `not found in ${path}: ${text.slice(0, 100)}`);
      }
    });
  }

  test("can tell words that speak of how the project was made", () => {
    const foreign = [
      to("see iss", "ue 3"),
      to("fixes (", "#3)"),
      to("an earlier ses", "sion did this"),
      to("cd /wo", "rk/main"),
      to("cat /tmp/ba", "sh_jobs"),
      to('"resolved": "https://registry.np', 'mjs.org/a"'),
    ];
    for (const text of foreign) assert.equal(foreignWords("a.md", `one\n${text}`)[0]?.line, 2, text);
    const own = [
      "a TLS session",
      "color: #333;",
      "[1](#1-in-one-page)",
      "node.#1",
      "home/work/a",
      "class A { #b = 1; }",
      "/tmp/x",
    ];
    for (const text of own) assert.deepEqual(foreignWords("a.md", text), [], text);
  });

  test("can tell a document whose table differs", () => {
    const rows = [...imports.MAY_IMPORT].map(([folder, words]) => {
      const list = folder === "gateway" ? "everything above" : words.replaceAll(":types", " (types)") || "—";
      return `| ${folder} | ${list} |`;
    });
    assert.deepEqual(imports.differencesTo(rows.join("\n")), []);
    assert.equal(imports.differencesTo(rows.slice(1).join("\n")).length, 1);
    assert.equal(imports.differencesTo(rows.join("\n").replace("| net | lib |", "| net | lib stun |")).length, 1);
  });
});
