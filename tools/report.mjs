import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

/**
 * Reads a JUnit report of `bun test`.
 *
 * @returns how many passed and failed, and every skipped test with file and line
 */
export function readReport(xml) {
  const cases = [...xml.matchAll(/<testcase\s([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)];
  const report = { passed: 0, failed: 0, skipped: [] };
  for (const [, attributes = "", , inside = ""] of cases) {
    if (/<(failure|error)[\s/>]/.test(inside)) report.failed++;
    else if (!/<skipped[\s/>]/.test(inside)) report.passed++;
    else
      report.skipped.push({
        name: named(attributes, "name"),
        file: named(attributes, "file"),
        line: Number(named(attributes, "line")),
      });
  }
  return report;
}

/**
 * Every skip in words: tests that the report names, each with the nearest reason given in its file, and groups that only
 * the reasons name, for `bun test` leaves their tests out.
 *
 * @param reasons lines of `file:line<tab>reason`, as `test/support/needs.ts` writes them
 */
export function describeSkips(skipped, reasons) {
  const given = reasons.split("\n").flatMap((line) => {
    const [, file, at, reason] = /^(.*):(\d+)\t(.*)$/.exec(line) ?? [];
    return file === undefined ? [] : [{ file, line: Number(at), reason, used: false }];
  });
  const tests = skipped.map(({ name, file, line }) => {
    const [nearest] = given
      .filter((entry) => entry.file === file)
      .sort((a, b) => Math.abs(a.line - line) - Math.abs(b.line - line));
    if (nearest) nearest.used = true;
    return `${file}:${line} ${name}: ${nearest?.reason ?? reasonInSource(file, line)}`;
  });
  const groups = given.filter(({ used }) => !used).map(({ file, line, reason }) => `${file}:${line}: ${reason}`);
  return [...tests, ...new Set(groups)];
}

/** The first text behind `skip:` where a test begins, for tests that give one themselves. */
function reasonInSource(file, line) {
  const lines = existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8").split("\n") : [];
  const [, reason] = /skip:[^"]*"([^"]+)"/.exec(lines.slice(line - 1, line + 3).join(" ")) ?? [];
  return reason ?? "no reason given";
}

function named(attributes, name) {
  const [, value = ""] = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes) ?? [];
  return value
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
