import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { parseAddress } from "../../src/net/address.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself, type Talker } from "../support/talk.ts";

const DEADLINE_SECONDS = 3;
/** Within which a change of the database or the files must tell. */
const CHANGE_MS = 1500;
const RELOAD_MS = 5000;

describe("drain", () => {
  test("SIGTERM: not ready, no new allocation, live ones until the deadline, exit 0", UNHURRIED, async () => {
    const gateway = await startGateway({ settings: { shutdown: { deadline: DEADLINE_SECONDS } } });
    const credentials = await gateway.mint();
    const live: Talker[] = [];
    for (const transport of ["udp", "tcp", "tls"] as const)
      live.push(await allocate(await gateway.probe(transport, { credentials })));
    const late = await Promise.all([1, 2, 3, 4].map(() => gateway.probe("udp", { credentials })));

    const begun = performance.now();
    gateway.child.process.kill("SIGTERM");
    await until(async () => (await readiness(gateway)).status === 503, 1000, "/readyz 503");
    assert.equal(JSON.parse((await readiness(gateway)).text).status, "draining");
    await assert.rejects(gateway.mint(), /503/);
    for (const probe of late) {
      const answer = await probe.ask({ kind: "allocate" });
      assert.equal(answer.kind === "refused" && answer.code, 508);
      probe.close();
    }
    for (const talker of live) await hearsItself(talker);
    assert.equal(await gateway.child.ended, 0, gateway.child.stderr());
    const tookMs = performance.now() - begun;
    assert.ok(tookMs > DEADLINE_SECONDS * 1000 - 100 && tookMs < DEADLINE_SECONDS * 1000 + 3000, `${tookMs} ms`);
    for (const { probe } of live) probe.close();
    await gateway.remove();
  });

  test("SIGTERM with nothing live ends at once, and so does a second one", UNHURRIED, async () => {
    const idle = await startGateway({ settings: { shutdown: { deadline: 60 } } });
    await idle.stop();
    const busy = await startGateway({ settings: { shutdown: { deadline: 60 } } });
    const { probe } = await allocate(await busy.probe("udp", { credentials: await busy.mint() }));
    busy.child.process.kill("SIGTERM");
    await until(async () => (await readiness(busy)).status === 503, 1000, "/readyz 503");
    busy.child.process.kill("SIGTERM");
    const begun = performance.now();
    await busy.child.ended;
    assert.ok(performance.now() - begun < 2000);
    probe.close();
    await busy.remove();
  });

  test("SIGTERM ends when the last allocation does", UNHURRIED, async () => {
    const gateway = await startGateway({ settings: { shutdown: { deadline: 60 } } });
    const talker = await allocate(await gateway.probe("tls", { credentials: await gateway.mint() }));
    gateway.child.process.kill("SIGTERM");
    await until(async () => (await readiness(gateway)).status === 503, 1000, "/readyz 503");
    await hangUp(talker);
    await gateway.stop();
  });
});

describe("reload", () => {
  const gateway = shared(() => startGateway());
  const peers = [parseAddress("127.0.0.77:7777")];

  test("SIGHUP: new peer rules count at once, and live allocations live on", UNHURRIED, async () => {
    const running = await gateway();
    const talker = await allocate(await running.probe("udp", { credentials: await running.mint() }));
    const permitted = async (): Promise<boolean> =>
      (await talker.probe.ask({ kind: "createPermission", peers })).kind === "success";
    assert.equal(await permitted(), false);
    await running.reconfigure({ relay: { peers: { allow: ["127.0.0.0/8"] } } });
    await until(permitted, RELOAD_MS, "A permission that the new rules allow");
    await hearsItself(talker);
    await hangUp(talker);
  });

  test("SIGHUP with a mistake changes nothing and says what is wrong", UNHURRIED, async () => {
    const running = await gateway();
    await running.reconfigure({ limits: { mints_per_key_per_minute: "many" } });
    await running.child.says(/mints_per_key_per_minute/, RELOAD_MS);
    await running.mint();
    await running.reconfigure({});
  });

  test("a new certificate is served within seconds, a bad one is refused and the old one stays", UNHURRIED, async () => {
    const running = await gateway();
    const served = async (): Promise<string | undefined> => {
      const probe = await running.probe("tls");
      probe.close();
      return probe.chain[0]?.fingerprint256;
    };
    const before = await served();
    const { certificate, key } = running.authority.issue(["relay.test", "127.0.0.1"]);
    await writeFile(running.files.key, key);
    await writeFile(running.files.certificate, certificate);
    await until(async () => (await served()) !== before, RELOAD_MS, "The new certificate");
    const after = await served();
    await writeFile(running.files.certificate, "rubbish");
    await running.child.says(/certificate/i, RELOAD_MS);
    assert.equal(await served(), after);
    await writeFile(running.files.certificate, certificate);
  });
});

describe("the end of a credential", () => {
  const gateway = shared(() => startGateway());

  for (const transport of ["udp", "tls"] as const) {
    test(`expired over ${transport}: no new allocation, the live one goes on`, UNHURRIED, async () => {
      const running = await gateway();
      const credentials = await running.mint({ ttl: 1, label: `short-${transport}` });
      const talker = await allocate(await running.probe(transport, { credentials }));
      const refused = async (): Promise<boolean> => {
        const probe = await running.probe(transport, { credentials });
        const answer = await probe.ask({ kind: "allocate" });
        probe.close();
        return answer.kind === "refused" && answer.code === 401;
      };
      await until(refused, 5000, "401 for the expired credential");
      await hearsItself(talker);
      await talker.probe.must({ kind: "refresh", lifetimeSeconds: 600 });
      await hangUp(talker);
    });
  }

  test("revoked, or its project deleted: live allocations end within a second, on every thread", UNHURRIED, async () => {
    const running = await gateway();
    const project = JSON.parse((await running.run("project", "create", "ending", "--json")).stdout);
    const made = JSON.parse((await running.run("key", "create", project.id, "--json")).stdout);
    await until(
      () =>
        running.mint({}, made.key).then(
          () => true,
          () => false,
        ),
      CHANGE_MS,
      "The new key",
    );

    for (const [label, argv] of [
      ["revoked", (username: string) => ["revoke", username]],
      ["deleted", () => ["project", "delete", project.id]],
    ] as const) {
      const credentials = await running.mint({ label }, made.key);
      const talkers: Talker[] = [];
      for (const transport of ["udp", "udp", "udp", "udp", "tcp", "tls"] as const) {
        talkers.push(await allocate(await running.probe(transport, { credentials })));
      }
      const { code, stderr } = await running.run(...argv(credentials.username));
      assert.equal(code, 0, stderr);
      await until(
        async () => (await Promise.all(talkers.map(hasEnded))).every(Boolean),
        CHANGE_MS,
        `The end of a ${label} credential`,
      );
      for (const { probe } of talkers) probe.close();
    }
  });
});

/** Whether a refresh is refused, or the connection gone. */
async function hasEnded({ probe }: Talker): Promise<boolean> {
  return (await probe.ask({ kind: "refresh", lifetimeSeconds: 600 })).kind !== "success";
}

function readiness(gateway: Gateway): ReturnType<Gateway["ask"]> {
  return gateway.ask({ path: "/readyz", over: "metrics" });
}
