/**
 * `npm test`: installs what is missing, checks types, format and lint, and runs every test. Arguments go to `bun test`.
 *
 * The last line is `N passed, N failed, N skipped`; each skip is named with its reason. Types and lint count as a test each.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { describeSkips, readReport } from "./report.mjs";
import { installed, run } from "./run.mjs";

await ensureInstalled();
// Whatever a test leaves behind goes with it. Other users may pass through: some tests run programs as one.
const folder = mkdtempSync(join(tmpdir(), "icebreaker-test-"));
chmodSync(folder, 0o711);
try {
  const { passed, failed, skips } = await runAll(["--only-failures", ...process.argv.slice(2)]);
  for (const skip of skips) process.stdout.write(`skipped: ${skip}\n`);
  process.stdout.write(`${passed} passed, ${failed} failed, ${skips.length} skipped\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function runAll(args) {
  const checks = [await run(installed("tsc"), []), await run(installed("biome"), ["check"])];
  const tests = await runTests(args);
  return {
    passed: tests.passed + checks.filter((code) => code === 0).length,
    failed: tests.failed + checks.filter((code) => code !== 0).length,
    skips: tests.skips,
  };
}

async function runTests(args) {
  const report = join(folder, "junit.xml");
  const reasons = join(folder, "skips.txt");
  let unloaded = 0;
  const code = await run(installed("bun"), ["test", "--reporter=junit", `--reporter-outfile=${report}`, ...args], {
    env: { ...process.env, SKIP_REASONS: reasons, TMPDIR: folder, FORCE_COLOR: process.stderr.isTTY ? "1" : "0" },
    onErrorText(text) {
      // A file that cannot be loaded is in no report.
      unloaded += text.match(/^# Unhandled error between tests/gm)?.length ?? 0;
    },
  });
  const { passed, failed, skipped } = readReport(existsSync(report) ? readFileSync(report, "utf8") : "");
  const skips = describeSkips(skipped, existsSync(reasons) ? readFileSync(reasons, "utf8") : "");
  const broken = failed + unloaded;
  return { passed, failed: broken === 0 && code !== 0 ? 1 : broken, skips };
}
