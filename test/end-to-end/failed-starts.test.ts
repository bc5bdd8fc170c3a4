import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { stringify } from "smol-toml";
import { type TestAuthority, testAuthority } from "../support/certificates.ts";
import { runToEnd } from "../support/child.ts";
import { executable } from "../support/executable.ts";
import { freePorts, relayRange } from "../support/free-ports.ts";
import { startGateway } from "../support/gateway.ts";
import { mayMakeNamespaces } from "../support/namespace.ts";
import { unless } from "../support/needs.ts";
import { asNobody, mayBecomeOthers } from "../support/other-user.ts";
import { UNHURRIED } from "../support/shared.ts";

const AS_ROOT = unless(mayBecomeOthers, "only root may become another user", { required: false });
const MAY_MOUNT = unless(mayMakeNamespaces, "only root may mount", { required: false });
const folders: string[] = [];

after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** Goal: whatever prevents a start is one sentence that names the setting to change, exit code 1 or 2, and nothing on stdout. */
describe("a start that fails", () => {
  for (const kind of ["udp", "tcp", "tls", "http", "metrics"] as const) {
    test(`listen.${kind}: a configured port in use is named with who has it, and nothing was made`, UNHURRIED, async () => {
      const [port = 0] = await freePorts(1);
      const us = `port ${port} is in use by ${await ownName()} (process ${process.pid})`;
      const place = await folder();
      const free = await hold(kind === "udp" ? "udp" : "tcp", port);
      const outcome = await serve(place, { listen: { [kind]: [`127.0.0.1:${port}`] } });
      await free();
      assert.deepEqual(outcome, failure(`listen.${kind}: cannot listen on 127.0.0.1:${port}: ${us}`));
      assert.equal((await runToEnd("ls", [join(place, "state")])).code, 2, "no state directory");
    });
  }

  test("a port of another gateway is named with its process", UNHURRIED, async () => {
    const gateway = await startGateway();
    const { udp } = gateway.ports;
    const outcome = await serve(await folder(), { listen: { udp: [`127.0.0.1:${udp}`] } });
    const { pid } = gateway.child.process;
    const sentence = `listen.udp: cannot listen on 127.0.0.1:${udp}: port ${udp} is in use by icebreaker (process ${pid})`;
    assert.deepEqual(outcome, failure(sentence));
    await gateway.stop();
  });

  test("an address that the host does not have", UNHURRIED, async () => {
    const outcome = await serve(await folder(), { listen: { tcp: ["203.0.113.77:3478"] } });
    assert.deepEqual(outcome, failure("listen.tcp: cannot listen on 203.0.113.77:3478: this host has no such address"));
  });

  test("a port that takes a privilege", { ...UNHURRIED, skip: AS_ROOT }, async () => {
    const place = await folder(true);
    const outcome = await serve(place, { listen: { tls: ["127.0.0.1:443"] } }, asNobody);
    const sentence = "listen.tls: cannot listen on 127.0.0.1:443: no privilege for port 443 (CAP_NET_BIND_SERVICE, or root)";
    assert.deepEqual(outcome, failure(sentence));
  });

  test("listeners that meet each other", UNHURRIED, async () => {
    const place = await folder();
    const outcome = await serve(place, { listen: { tcp: ["[::]:4444"], tls: ["127.0.0.1:4444"] } });
    const sentence = "listen.tls has 127.0.0.1:4444, which meets [::]:4444 of listen.tcp: give each its own port";
    assert.deepEqual(outcome, failure(`${place}/icebreaker.toml:6:1: ${sentence}`));
  });

  test("a file that is not TOML, with line and column", UNHURRIED, async () => {
    const place = await folder();
    const outcome = await serveText(place, 'region = "eu-central"\n[relay]\nports = \n');
    assert.deepEqual(outcome, failure(`${place}/icebreaker.toml:3:9: this is not TOML (invalid value)`));
  });

  test("an unknown key, with its place and the nearest: exit code 2", UNHURRIED, async () => {
    const place = await folder();
    const outcome = await serveText(place, "[relay]\nprots = 1\n");
    const sentence = `${place}/icebreaker.toml:2:1: relay.prots is no setting: did you mean relay.ports?`;
    assert.deepEqual(outcome, failure(sentence, 2));
  });

  test("a file named by --config that is not there", UNHURRIED, async () => {
    const outcome = await serveFile("/nowhere/icebreaker.toml", "/");
    const sentence = "--config names /nowhere/icebreaker.toml, which is not there: correct the path, or leave it out";
    assert.deepEqual(outcome, failure(sentence));
  });

  test("a database that cannot be reached, without its password", UNHURRIED, async () => {
    const outcome = await serve(await folder(), { database: { url: "postgres://u:hunter2@127.0.0.1:1/d" } });
    assert.equal(outcome.code, 1);
    assert.match(
      outcome.stderr,
      /^icebreaker: database\.url: postgres:\/\/u:\*\*\*@127\.0\.0\.1:1\/d cannot be opened: .*ECONNREFUSED/,
    );
  });
});

describe("a certificate that fails a start", () => {
  test("does not fit its key", UNHURRIED, async () => {
    const { place, authority } = await withAuthority();
    const [one, other] = [await authority.issueFiles(["relay.test"]), authority.issue(["relay.test"])];
    await writeFile(one.key, other.key);
    const outcome = await serve(place, { tls: one });
    const sentence = `tls.certificate: ${one.certificate}: The key does not belong to the certificate`;
    assert.deepEqual(outcome, failure(sentence));
  });

  test("is rubbish, or is not there", UNHURRIED, async () => {
    const { place, authority } = await withAuthority();
    const files = await authority.issueFiles(["relay.test"]);
    await writeFile(files.key, "rubbish");
    const rubbish = `tls.certificate: ${files.certificate}: The key file is no unencrypted PEM private key`;
    assert.deepEqual(await serve(place, { tls: files }), failure(rubbish));
    await rm(files.key);
    assert.deepEqual(await serve(place, { tls: files }), failure(`tls.key: ${files.key} is not there`));
  });

  test("has a key that we may not read: owner, mode and our user", { ...UNHURRIED, skip: AS_ROOT }, async () => {
    const { place, authority } = await withAuthority();
    const files = await authority.issueFiles(["relay.test"]);
    await chmod(files.key, 0o640);
    const outcome = await serve(place, { tls: files }, asNobody);
    const why = "cannot be read (EACCES): it belongs to root, its mode is 0640, and we are nobody";
    assert.deepEqual(outcome, failure(`tls.key: ${files.key} ${why}`));
  });
});

describe("a state directory that fails a start", () => {
  test("cannot be made", { ...UNHURRIED, skip: AS_ROOT }, async () => {
    const place = await folder();
    await chmod(place, 0o755);
    const outcome = await serve(place, {}, asNobody);
    const why = `cannot be made (EACCES): ${place} belongs to root, its mode is 0755, and we are nobody`;
    assert.deepEqual(outcome, failure(`state_dir: ${place}/state ${why}`));
  });

  test("may not be written to", { ...UNHURRIED, skip: AS_ROOT }, async () => {
    const place = await folder();
    await chmod(place, 0o755);
    await mkdir(join(place, "state"), { mode: 0o755 });
    const outcome = await serve(place, {}, asNobody);
    const why = "cannot be written to (EACCES): it belongs to root, its mode is 0755, and we are nobody";
    assert.deepEqual(outcome, failure(`state_dir: ${place}/state ${why}`));
  });

  test("is on a full disk", { ...UNHURRIED, skip: AS_ROOT || MAY_MOUNT }, async () => {
    const place = await folder();
    const state = join(place, "state");
    await mkdir(state);
    const fill = `mount -t tmpfs -o size=64k none ${state} && (head -c 1M /dev/zero > ${state}/filler || true) 2>/dev/null`;
    const full = (...command: string[]): readonly [string, ...string[]] => [
      "unshare",
      "-m",
      "sh",
      "-c",
      `${fill}; exec "$@"`,
      "sh",
      ...command,
    ];
    const outcome = await serve(place, {}, full);
    assert.deepEqual(outcome, failure(`state_dir: ${state} cannot be written to (ENOSPC): there is no space left on its disk`));
  });
});

describe("what is only a warning at start, and names the setting", () => {
  test(
    "an expired certificate, one of another name, private relays, few ports, a name that nobody knows",
    UNHURRIED,
    async () => {
      const gateway = await startGateway({
        settings: { hostname: "nobody-knows.invalid", relay: { ports: relayRange(50) } },
      });
      await gateway.child.says(/hostname: nobody-knows\.invalid does not resolve here \(E\w+\): clients/, 15_000);
      const log = gateway.child.stderr();
      const [certificate] = [gateway.files.certificate];
      assert.match(
        log,
        new RegExp(`tls\\.certificate: ${certificate}: The certificate names relay\\.test, .* not nobody-knows\\.invalid`),
      );
      assert.match(log, /relay\.ports is \d+-\d+: no more than 50 allocations/);
      assert.match(log, /Relayed addresses are on 127\.0\.0\.1, which peers elsewhere cannot reach: set relay\.external_address/);
      await gateway.stop();

      const { authority } = await withAuthority();
      const expired = await authority.issueFiles(["relay.test"], -1);
      const late = await startGateway({ settings: { tls: expired } });
      assert.match(late.child.stderr(), new RegExp(`tls\\.certificate: ${expired.certificate}: The certificate expired at 20`));
      await late.stop();
    },
  );
});

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function failure(sentence: string, code = 1): Outcome {
  return { code, stdout: "", stderr: `icebreaker: ${sentence}\n` };
}

/** Serves with settings that keep every listener off that is not asked for, and waits for the end. */
async function serve(
  place: string,
  settings: Readonly<Record<string, object>>,
  as: (...command: [string, ...string[]]) => readonly [string, ...string[]] = (...command) => command,
): Promise<Outcome> {
  const listen = { udp: [], tcp: [], tls: ["127.0.0.1:0"], http: [], metrics: [], ...settings.listen };
  return serveText(place, stringify({ state_dir: join(place, "state"), ...settings, listen }), as);
}

async function serveText(place: string, text: string, as?: Parameters<typeof serve>[2]): Promise<Outcome> {
  const path = join(place, "icebreaker.toml");
  await writeFile(path, text);
  return serveFile(path, place, as);
}

async function serveFile(path: string, cwd: string, as: Parameters<typeof serve>[2] = (...command) => command): Promise<Outcome> {
  const [program, ...args] = as(await executable(), "serve", "--config", path);
  const env = { PATH: process.env["PATH"], HOME: cwd };
  return runToEnd(program, args, { cwd, env, withinMs: 30_000 });
}

/** A folder that is gone afterwards; others may look into it, and write if said so. */
async function folder(open = false): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "icebreaker-start-"));
  await chmod(path, open ? 0o777 : 0o755);
  folders.push(path);
  return path;
}

async function withAuthority(): Promise<{ place: string; authority: TestAuthority }> {
  const place = await folder(true);
  return { place, authority: await testAuthority(place) };
}

async function ownName(): Promise<string> {
  return (await runToEnd("cat", [`/proc/${process.pid}/comm`])).stdout.trim();
}

/** Takes a port, as another program would. @returns frees it */
function hold(protocol: "udp" | "tcp", port: number): Promise<() => Promise<void>> {
  return new Promise((resolve) => {
    if (protocol === "udp") {
      const socket = createSocket("udp4");
      socket.bind(port, "127.0.0.1", () => resolve(() => new Promise((closed) => socket.close(() => closed()))));
    } else {
      const server = createServer();
      server.listen(port, "127.0.0.1", () => resolve(() => new Promise((closed) => server.close(() => closed()))));
    }
  });
}
