import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import type { Probe } from "../../src/client/probe.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { relayRange } from "../support/free-ports.ts";
import { needs, unless } from "../support/needs.ts";
import { UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself, type Talker } from "../support/talk.ts";

/** Within which a gateway notices what is wrong, or that it is over: it looks once a second, and bears a busy database a while. */
const NOTICE_MS = 15_000;
const PORTS = 4;

/** Goal: whatever the machine lacks, calls go on, the operator is told once, and nobody has to do anything when it is over. */
describe("a machine that fails", () => {
  test("without free ports: 508, calls go on, and the next is let in when one ends", UNHURRIED, async () => {
    const gateway = await startGateway({ settings: { relay: { address: ["127.0.0.1"], ports: relayRange(PORTS) } } });
    const credentials = await gateway.mint();
    const talkers = await allocateUntilRefused(gateway, credentials, 508);
    assert.ok(talkers.length > 0 && talkers.length <= PORTS, `${talkers.length} allocations`);
    if (talkers.length === PORTS) await told(gateway, "ports_exhausted", /relay\.ports/);
    for (const talker of talkers) await hearsItself(talker);
    const [first, ...rest] = talkers;
    assert.ok(first);
    await hangUp(first);
    const next = await allocate(await gateway.probe("udp", { credentials }));
    await hearsItself(next);
    for (const talker of [next, ...rest]) await hangUp(talker);
    await over(gateway);
    await gateway.stop();
  });

  test("without free descriptors: 508, calls go on, and new ones come in when there are some", {
    ...UNHURRIED,
    skip: needs("prlimit"),
  }, async () => {
    const gateway = await startGateway();
    const credentials = await gateway.mint();
    const before = await allocateSome(gateway, credentials);
    const waiting = await Promise.all([1, 2, 3, 4].map(() => gateway.probe("udp", { credentials })));
    for (const probe of waiting) await probe.must({ kind: "challenge" });
    const { pid } = gateway.child.process;
    const open = (await readdir(`/proc/${pid}/fd`)).length;
    limitDescriptors(pid, open);
    for (const probe of waiting) {
      const answer = await probe.ask({ kind: "allocate" });
      assert.equal(answer.kind === "refused" && answer.code, 508);
    }
    for (const talker of before) await hearsItself(talker);
    await until(() => /LimitNOFILE/.test(gateway.child.stderr()), NOTICE_MS, "A line about descriptors");
    limitDescriptors(pid, 4096);
    for (const probe of waiting) await hangUp(await allocate(probe));
    for (const talker of before) await hearsItself(talker);
    await over(gateway);
    for (const talker of [...before, ...(await allocateSome(gateway, credentials))]) await hangUp(talker);
    assert.equal(gateway.child.stderr().split("LimitNOFILE").length - 1, 2, "once when it began, once when it was over");
    await gateway.stop();
  });

  test("with a full disk: calls go on, pairs are minted, and it is over when there is room", {
    ...UNHURRIED,
    skip: unless(process.getuid?.() === 0 && canMount(), "only root may mount a small file system"),
  }, async () => {
    const folder = await mountSmall();
    const gateway = await startGateway({ settings: { state_dir: folder } });
    const filler = join(folder, "filler");
    await fill(filler);
    await told(gateway, "announcement", /hear/);
    await worksStill(gateway);
    await rm(filler);
    await over(gateway);
    await worksStill(gateway);
    await gateway.stop();
  });

  test(
    "with a database that somebody locks: it is told, everything but changes goes on, and it is over by itself",
    UNHURRIED,
    async () => {
      const gateway = await startGateway();
      const other = new DatabaseSync(databaseOf(gateway));
      other.exec("begin exclusive");
      await told(gateway, "announcement", /hear/);
      await worksStill(gateway);
      await revocationCounts(gateway);
      other.exec("rollback");
      other.close();
      await over(gateway);
      await gateway.stop();
    },
  );

  test(
    "with a database that is gone: it is told, pairs are minted, and it is over when the file is back",
    UNHURRIED,
    async () => {
      const gateway = await startGateway();
      const path = databaseOf(gateway);
      await rename(path, `${path}.away`);
      await told(gateway, "database", /database/i);
      await worksStill(gateway);
      await rename(`${path}.away`, path);
      await over(gateway);
      await gateway.stop();
    },
  );
});

/** A call over each transport, and a pair for it. */
async function worksStill(gateway: Gateway): Promise<void> {
  for (const talker of await allocateSome(gateway, await gateway.mint())) {
    await hearsItself(talker);
    await hangUp(talker);
  }
}

/** A revocation that cannot be written yet ends its credential's calls all the same, and says that it waits. */
async function revocationCounts(gateway: Gateway): Promise<void> {
  const credentials = await gateway.mint({ label: "eve" });
  const { probe } = await allocate(await gateway.probe("udp", { credentials }));
  const headers = { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" };
  const body = JSON.stringify({ username: credentials.username });
  const reply = await gateway.ask({ path: "/v1/credentials/revoke", method: "POST", headers, body });
  assert.equal(reply.status, 500);
  assert.match(reply.text, /in force on this gateway/);
  await until(async () => (await probe.ask({ kind: "refresh" })).kind === "refused", NOTICE_MS, "The end of a revoked call");
  probe.close();
}

async function allocateSome(gateway: Gateway, credentials: { username: string; credential: string }): Promise<readonly Talker[]> {
  const probes: Probe[] = [];
  for (const transport of ["udp", "tcp", "tls"] as const) probes.push(await gateway.probe(transport, { credentials }));
  return Promise.all(probes.map((probe) => allocate(probe)));
}

async function allocateUntilRefused(
  gateway: Gateway,
  credentials: { username: string; credential: string },
  code: number,
): Promise<readonly Talker[]> {
  const talkers: Talker[] = [];
  for (;;) {
    const probe = await gateway.probe("udp", { credentials });
    const answer = await probe.ask({ kind: "allocate" });
    if (answer.kind === "success") {
      const [relayed] = answer.relayedAddresses;
      assert.ok(relayed);
      talkers.push({ probe, relayed });
      continue;
    }
    assert.equal(answer.kind === "refused" && answer.code, code);
    probe.close();
    return talkers;
  }
}

/** Waits until `/readyz` names a problem; one line of the log says the same. */
async function told(gateway: Gateway, code: string, detail: RegExp): Promise<void> {
  const problems = async (): Promise<readonly { code: string; detail: string }[]> =>
    JSON.parse((await gateway.ask({ path: "/readyz", over: "metrics" })).text).problems;
  await until(async () => (await problems()).some((problem) => problem.code === code), NOTICE_MS, `The problem ${code}`);
  const found = (await problems()).find((problem) => problem.code === code);
  assert.match(found?.detail ?? "", detail);
  const lines = gateway.child
    .stderr()
    .split("\n")
    .filter((line) => line.includes(`"${found?.detail}"`));
  assert.equal(lines.length, 1, `one line of the log:\n${lines.join("\n")}`);
}

/** Waits until `/readyz` is content. */
async function over(gateway: Gateway): Promise<void> {
  const status = async (): Promise<string> => JSON.parse((await gateway.ask({ path: "/readyz", over: "metrics" })).text).status;
  await until(async () => (await status()) === "ready", NOTICE_MS, "The end of the problem");
}

function databaseOf(gateway: Gateway): string {
  return join(gateway.configuration, "..", "state", "icebreaker.db");
}

function limitDescriptors(pid: number | undefined, count: number): void {
  const { status, stderr } = spawnSync("prlimit", [`--pid=${pid}`, `--nofile=${count}:`], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** File systems of our own, to be taken away in the end. */
const mounted: string[] = [];
after(() => {
  for (const folder of mounted) spawnSync("umount", ["-l", folder]);
});

async function mountSmall(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "icebreaker-small-"));
  assert.equal(spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", folder]).status, 0);
  mounted.push(folder);
  return folder;
}

function canMount(): boolean {
  return spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", tmpdir()], { stdio: "ignore" }).status === 0;
}

/** Writes until nothing fits any more. */
async function fill(path: string): Promise<void> {
  for (let octets = 1_048_576; octets >= 1; octets = Math.floor(octets / 2)) {
    await writeFile(path, new Uint8Array(octets), { flag: "a" }).catch((error: unknown) => {
      assert.match(String(error), /ENOSPC/);
    });
  }
  assert.ok((await readFile(path)).length > 0);
}
