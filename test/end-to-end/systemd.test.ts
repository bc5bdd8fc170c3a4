import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { AF_UNIX, type Libc, openLibc, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from "../../src/dataplane/libc.ts";
import { close } from "../../src/dataplane/socket.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { runToEnd, startChild } from "../support/child.ts";
import { executable } from "../support/executable.ts";
import { freePorts } from "../support/free-ports.ts";
import { startGateway } from "../support/gateway.ts";
import { needs, unless } from "../support/needs.ts";
import { UNHURRIED, until } from "../support/shared.ts";

const STATE_MS = 10_000;
const OFFLINE_SINCE = 250; // of systemd: `security --offline`
/** Of 10: systemd's own word for below 2 is "OK". */
const EXPOSURE_AT_MOST = 2;

const version = Number(
  /^systemd (\d+)/.exec(spawnSync("systemd-analyze", ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1],
);
const cannotAnalyze =
  needs("systemd-analyze") ||
  unless(version >= OFFLINE_SINCE, `systemd ${version} cannot judge a unit that is not installed`, { required: false });

describe("the unit that icebreaker systemd prints", { skip: cannotAnalyze }, () => {
  test("is one that systemd understands, and leaves little exposed", UNHURRIED, async () => {
    await inFolder(async (folder) => {
      const path = await executable();
      const { stdout: text } = await runToEnd(path, ["systemd"], { cwd: folder, env: {} });
      assert.match(text, /^Type=notify$/m);
      assert.ok(text.includes(`ExecStart=${path} serve\n`), text);
      const unit = join(folder, "icebreaker.service");
      await writeFile(unit, text);

      const verified = await runToEnd("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", unit]);
      assert.deepEqual({ code: verified.code, said: verified.stdout + verified.stderr }, { code: 0, said: "" });
      const secured = await runToEnd("systemd-analyze", [
        "security",
        "--offline=true",
        "--no-pager",
        `--threshold=${10 * EXPOSURE_AT_MOST}`,
        unit,
      ]);
      assert.equal(secured.code, 0, secured.stdout + secured.stderr);
      assert.match(secured.stdout, /Overall exposure level for icebreaker\.service: [01]\.\d/);
    });
  });
});

describe("what systemd is told", () => {
  for (const [kind, name] of [
    ["a file", (folder: string) => join(folder, "notify")],
    ["an abstract name", (folder: string) => `@${folder}/notify`],
  ] as const) {
    test(`READY=1 when it serves and STOPPING=1 when it drains, to ${kind}`, UNHURRIED, async () => {
      await inFolder(async (folder) => {
        const listener = await NotifySocket.open(name(folder));
        try {
          const gateway = await startGateway({ env: { NOTIFY_SOCKET: name(folder) } });
          await until(() => listener.heard().includes("READY=1"), STATE_MS, "READY=1");
          assert.ok(!listener.heard().includes("STOPPING=1"));
          await gateway.stop();
          assert.deepEqual(listener.heard(), ["READY=1", "STOPPING=1"]);
        } finally {
          listener.close();
        }
      });
    });
  }

  test("a listener that is not there hinders nothing", UNHURRIED, async () => {
    const gateway = await startGateway({ env: { NOTIFY_SOCKET: "/nowhere/notify" } });
    await gateway.stop();
  });
});

describe("the first key under systemd", () => {
  test("is in state_dir/first-key for us alone, and not on stdout or stderr", UNHURRIED, async () => {
    await inFolder(async (folder) => {
      const [udp, tcp, tls, http, metrics] = await freePorts(5);
      const settings = { UDP: udp, TCP: tcp, TLS: tls, HTTP: http, METRICS: metrics };
      const listen = Object.entries(settings).map(([kind, port]) => [`ICEBREAKER_LISTEN_${kind}`, `127.0.0.1:${port}`]);
      const state = join(folder, "state");
      const env = { ...Object.fromEntries(listen), STATE_DIRECTORY: state, PATH: process.env.PATH };
      // As systemd does: the variable names the device and inode of stdout.
      const asService = 'exec 3>&1; export JOURNAL_STREAM=$(stat -L -c %d:%i /dev/fd/3); exec "$0" serve 3>&-';
      const child = startChild("sh", ["-c", asService, await executable()], env, folder);
      await child.says(/"Serving"/, STATE_MS);
      assert.equal(await child.stop(), 0, child.stderr());

      const file = join(state, "first-key");
      const key = (await readFile(file, "utf8")).trim();
      assert.match(key, /^ibk_[A-Za-z0-9_-]+$/);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      assert.ok(child.stdout().includes(file), child.stdout());
      assert.doesNotMatch(child.stdout() + child.stderr(), /ibk_/);
    });
  });

  test("is on stdout where JOURNAL_STREAM is somebody else's", UNHURRIED, async () => {
    const gateway = await startGateway({ env: { JOURNAL_STREAM: "8:1" } });
    assert.match(gateway.child.stdout(), /ibk_/);
    await gateway.stop();
  });
});

/** What systemd has at the other end of `$NOTIFY_SOCKET`: node:dgram knows no such sockets. */
class NotifySocket {
  readonly #libc: Libc;
  readonly #descriptor: number;
  readonly #heard: string[] = [];

  constructor(libc: Libc, descriptor: number) {
    this.#libc = libc;
    this.#descriptor = descriptor;
  }

  static async open(name: string): Promise<NotifySocket> {
    const libc = openLibc(await openRuntime());
    const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const path = new TextEncoder().encode(name.replace(/^@/, "\0"));
    const { bytes, view, address } = libc.scratch;
    bytes.fill(0);
    view.setUint16(0, AF_UNIX, true);
    bytes.set(path, 2);
    assert.equal(libc.bind(descriptor, address, 2 + path.length + (name.startsWith("@") ? 0 : 1)), 0, `errno ${libc.errno()}`);
    return new NotifySocket(libc, descriptor);
  }

  /** A state a datagram, in order. */
  heard(): readonly string[] {
    const { bytes, address } = this.#libc.scratch;
    for (;;) {
      const length = this.#libc.read(this.#descriptor, address, bytes.length);
      if (length <= 0) return this.#heard;
      this.#heard.push(new TextDecoder().decode(bytes.slice(0, length)));
    }
  }

  close(): void {
    close(this.#libc, this.#descriptor);
  }
}

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "icebreaker-systemd-"));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
