import { accessSync, appendFileSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A program by the names it may have on PATH, or a file of a library that some program loads; and where it comes from. */
interface Tool {
  readonly commands?: readonly string[];
  /** Absolute, or from the root of the repository. */
  readonly file?: string;
  /** Where its command lies if not on PATH: a folder with a folder for each version. */
  readonly versions?: string;
  readonly from: string;
}

/** Tools that go by another name than their command, and where they come from. */
const TOOLS: Readonly<Record<string, Tool>> = {
  chromium: { commands: ["chromium", "chromium-browser", "google-chrome"], from: "the package chromium" },
  certutil: { commands: ["certutil"], from: "the package libnss3-tools" },
  turnserver: { commands: ["turnserver"], from: "the package coturn" },
  turnutils_uclient: { commands: ["turnutils_uclient"], from: "the package coturn" },
  "qemu-aarch64": { commands: ["qemu-aarch64", "qemu-aarch64-static"], from: "the package qemu-user" },
  "systemd-analyze": { commands: ["systemd-analyze"], from: "the package systemd" },
  turnutils_natdiscovery: { commands: ["turnutils_natdiscovery"], from: "the package coturn" },
  postgres: { versions: "/usr/lib/postgresql", from: "the package postgresql" },
  ip: { commands: ["ip"], from: "the package iproute2" },
  sysctl: { commands: ["sysctl"], from: "the package procps" },
  firefox: { commands: ["firefox-esr", "firefox"], from: "the package firefox-esr" },
  libfaketime: {
    file: `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/faketime/libfaketimeMT.so.1`,
    from: "the package libfaketime",
  },
  aioice: { file: "/usr/lib/python3/dist-packages/aioice/__init__.py", from: "the package python3-aioice" },
  // npm brings the compiled half of a package only where there is one for the platform.
  "@roamhq/wrtc": {
    file: `node_modules/@roamhq/wrtc-${process.platform}-${process.arch}/wrtc.node`,
    from: "npm, on platforms that it is compiled for",
  },
  "node-datachannel": { file: "node_modules/@node-datachannel", from: "npm, on platforms that it is compiled for" },
  werift: { file: "node_modules/werift/package.json", from: "npm" },
};

/**
 * What a test needs that is not everywhere, for `{ skip: needs("chromium", "certutil") }`.
 *
 * @returns `false` where everything is there, else why the test is skipped
 * @throws {Error} instead of a reason where `CI=true` or `ICEBREAKER_REQUIRE_ALL=1`: a test that cannot run has failed there
 */
export function needs(...tools: readonly string[]): string | false {
  const missing = tools.filter((tool) => pathOf(tool) === undefined);
  return unless(
    missing.length === 0,
    `${missing.map((tool) => `${tool} is not installed (${TOOLS[tool]?.from ?? "nothing on PATH"})`).join(", ")}`,
  );
}

/**
 * The same for anything else: `{ skip: unless(platform() === "linux", "only Linux has this") }`.
 *
 * `bun test` does not print reasons, so each is written to stderr here, and to the file that `SKIP_REASONS` names.
 *
 * @param required `false` for what even CI may lack, such as another system
 */
export function unless(holds: boolean, reason: string, { required = true }: { required?: boolean } = {}): string | false {
  if (holds) return false;
  const where = callingTest();
  if (required && mayNotSkip()) throw new Error(`${where} cannot run: ${reason}`);
  process.stderr.write(`skip: ${where}: ${reason}\n`);
  const list = process.env.SKIP_REASONS;
  if (list !== undefined) appendFileSync(list, `${where}\t${reason}\n`);
  return reason;
}

/** Where a tool lies on PATH, or its file; `undefined` if it is not there. */
export function pathOf(tool: string): string | undefined {
  const { file, versions, commands = [tool] } = TOOLS[tool] ?? {};
  if (file !== undefined) return existsSync(resolve(root, file)) ? resolve(root, file) : undefined;
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...newestFirst(versions)];
  for (const command of commands) {
    for (const folder of folders) {
      const path = join(folder, command);
      if (isExecutable(path)) return path;
    }
  }
  return isExecutable(join(root, "node_modules/.bin", tool)) ? join(root, "node_modules/.bin", tool) : undefined;
}

function newestFirst(versions: string | undefined): readonly string[] {
  if (versions === undefined || !existsSync(versions)) return [];
  return readdirSync(versions)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(versions, version, "bin"));
}

function mayNotSkip(): boolean {
  return process.env.CI === "true" || process.env.ICEBREAKER_REQUIRE_ALL === "1";
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The file and line of the test that asks: the first call from outside this file. */
function callingTest(): string {
  const calls = (new Error().stack ?? "").matchAll(/(?:file:\/\/)?(\/[^():]+):(\d+):\d+/g);
  for (const [, path = "", line = ""] of calls) {
    if (path !== fileURLToPath(import.meta.url)) return `${relative(root, path)}:${line}`;
  }
  return "a test";
}
