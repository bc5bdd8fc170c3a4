import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Gateway, type Minted, startGateway } from "../support/gateway.ts";
import { needs, pathOf } from "../support/needs.ts";
import { UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself, type Talker } from "../support/talk.ts";

const HOUR_S = 3600;
/** Within which a gateway looks at its clock. */
const NOTICE_MS = 5000;
/** The code of a refusal; `undefined` without an answer. */
type Outcome = number | "ok" | undefined;

const TRANSPORTS = ["udp", "tcp", "tls"] as const;

/**
 * Goal: whoever sets the machine's clock ends no call and brings no credential to life, and the operator is told.
 *
 * Method: libfaketime under the executable. Its wall clock is what a file says, and its monotonic clock is the
 * system's, as when somebody sets a clock.
 */
describe("a clock that is set", { skip: needs("libfaketime") }, () => {
  test("back an hour, forward two and right again: calls go on, pairs are minted, it is told each time", UNHURRIED, async () => {
    const clock = await fakeClock();
    const gateway = await startGateway({ env: clock.env });
    const before = await gateway.mint({ label: "before" });
    const revoked = await gateway.mint({ label: "revoked", ttl: 60 });
    assert.equal((await gateway.run("revoke", revoked.username)).code, 0);
    const isRevoked = async (): Promise<boolean> => (await allocateOutcomes(gateway, revoked)).every((code) => code === 401);
    await until(isRevoked, NOTICE_MS, "The revocation");
    const talkers: Talker[] = [];
    for (const transport of TRANSPORTS) {
      talkers.push(await allocate(await gateway.probe(transport, { credentials: before })));
    }
    const goesOn = async (): Promise<void> => {
      for (const talker of talkers) {
        await hearsItself(talker);
        const { lifetimeSeconds } = await talker.probe.must({ kind: "refresh" });
        assert.equal(lifetimeSeconds, 600);
        await talker.probe.must({ kind: "createPermission", peers: [talker.relayed] });
      }
    };
    const told = (line: RegExp, times = 1): Promise<void> =>
      until(() => linesThatMatch(gateway, line).length === times, NOTICE_MS, `${line}`);

    await clock.set(-HOUR_S);
    await goesOn();
    await told(/set back by 3600 s/);
    assert.deepEqual(await outcomes(gateway, before, revoked), ["ok", "ok", 401], "an hour slow");

    await clock.set(HOUR_S);
    await goesOn();
    await told(/set forward by 7200 s/);
    // By its username it has expired; live allocations finish.
    assert.deepEqual(await outcomes(gateway, before, revoked), ["ok", 401, 401], "an hour fast");

    await clock.set(0);
    await goesOn();
    await told(/set back by 3600 s/, 2);
    assert.deepEqual(await outcomes(gateway, before, revoked), ["ok", "ok", 401], "right again");

    assert.equal(linesThatMatch(gateway, /clock was set/).length, 3, "each is told once");
    assert.deepEqual(linesThatMatch(gateway, /"level":"(error|fatal)"/), []);
    assert.equal(JSON.parse((await gateway.ask({ path: "/readyz", over: "metrics" })).text).status, "ready");
    for (const talker of talkers) await hangUp(talker);
    await gateway.stop();
    await clock.remove();
  });

  test("back an hour, with `cut`: what lives has the time that it was given, and no more", UNHURRIED, async () => {
    const clock = await fakeClock();
    const gateway = await startGateway({ env: clock.env, settings: { credentials: { on_expiry: "cut" } } });
    const talker = await allocate(await gateway.probe("udp", { credentials: await gateway.mint({ ttl: 120 }) }));
    await hearsItself(talker);
    await clock.set(-HOUR_S);
    await until(() => linesThatMatch(gateway, /set back/).length === 1, NOTICE_MS, "The line");
    await hearsItself(talker);
    const { lifetimeSeconds } = await talker.probe.must({ kind: "refresh", lifetimeSeconds: HOUR_S });
    assert.ok((lifetimeSeconds ?? HOUR_S) <= 120, `${lifetimeSeconds} s are left`);
    await gateway.stop();
    await clock.remove();
  });
});

/** What becomes of an Allocate with a pair of this moment, with one of before, and with one that was revoked. */
async function outcomes(gateway: Gateway, before: Minted, revoked: Minted): Promise<readonly Outcome[]> {
  const fresh = await gateway.mint({ label: "fresh" });
  return [await allocateOutcome(gateway, fresh), await allocateOutcome(gateway, before), await allocateOutcome(gateway, revoked)];
}

/** What becomes of it, over each transport. */
async function allocateOutcomes(gateway: Gateway, credentials: Minted): Promise<readonly Outcome[]> {
  const found: Outcome[] = [];
  for (const transport of TRANSPORTS) {
    const probe = await gateway.probe(transport, { credentials });
    const answer = await probe.ask({ kind: "allocate" });
    if (answer.kind === "success") await probe.ask({ kind: "refresh", lifetimeSeconds: 0 });
    probe.close();
    found.push(answer.kind === "success" ? "ok" : answer.kind === "refused" ? answer.code : undefined);
  }
  return found;
}

/** The same where transports must agree. */
async function allocateOutcome(gateway: Gateway, credentials: Minted): Promise<Outcome> {
  const found = new Set(await allocateOutcomes(gateway, credentials));
  assert.equal(found.size, 1, `transports disagree: ${[...found]}`);
  return [...found][0];
}

function linesThatMatch(gateway: Gateway, pattern: RegExp): readonly string[] {
  return gateway.child
    .stderr()
    .split("\n")
    .filter((line) => pattern.test(line));
}

/** A wall clock that goes right until it is set, and what makes a program look at it. */
async function fakeClock(): Promise<{
  readonly env: Readonly<Record<string, string>>;
  /** Sets it so many seconds off. */
  set(seconds: number): Promise<void>;
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "icebreaker-clock-"));
  const file = join(folder, "offset");
  const set = async (seconds: number): Promise<void> => {
    await writeFile(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}`);
    await rename(`${file}.new`, file);
  };
  await set(0);
  const env = {
    LD_PRELOAD: pathOf("libfaketime") ?? "",
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    FAKETIME_DONT_RESET: "1",
  };
  return { env, set, remove: () => rm(folder, { recursive: true }) };
}
