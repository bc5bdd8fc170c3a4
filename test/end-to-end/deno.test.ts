import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAddress } from "../../src/net/address.ts";
import { runToEnd } from "../support/child.ts";
import { HOSTNAME, startGateway } from "../support/gateway.ts";
import { needs, pathOf } from "../support/needs.ts";
import { packetsToClients } from "../support/relayed.ts";
import { shared, SLOW, UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself } from "../support/talk.ts";
import { uclient } from "../support/uclient.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const READY_MS = 40_000; // Deno compiles every module when it sees it first
const MESSAGES = 20;

/**
 * Goal: the source that the executable is built of serves on Deno as it is.
 *
 * Method: `deno run` with two threads of each kind, and everything a first user does: mint by both pages with and without
 * TLS, relay, reload, drain.
 */
describe("the gateway on Deno", { skip: needs("deno", "turnutils_uclient") }, () => {
  const deno = pathOf("deno") ?? "";
  const source = [
    deno,
    "run",
    "--allow-all",
    "--no-check",
    `--config=${join(root, "deno.json")}`,
    join(root, "src/main.ts"),
    "serve",
  ];
  const gateway = shared(() => startGateway({ command: source, readyMs: READY_MS }));

  for (const over of ["http", "tls"] as const) {
    test(`POST /v1/credentials over ${over}`, UNHURRIED, async () => {
      const { ports, key } = await gateway();
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const body = JSON.stringify({ ttl: 600, label: "alice" });
      const reply = await (await gateway()).ask({ path: "/v1/credentials", method: "POST", headers, body, over });
      assert.equal(reply.status, 200, reply.text);
      const answer = JSON.parse(reply.text);
      assert.match(answer.username, /^\d+:project_[a-z0-9]+:alice$/);
      assert.deepEqual(answer.iceServers[0].urls, [
        `stun:${HOSTNAME}:${ports.udp}`,
        `turn:${HOSTNAME}:${ports.udp}?transport=udp`,
        `turn:${HOSTNAME}:${ports.tcp}?transport=tcp`,
        `turns:${HOSTNAME}:${ports.tls}?transport=tcp`,
      ]);
    });

    test(`GET /api/v1/ice-servers over ${over}, and a problem`, UNHURRIED, async () => {
      const { key } = await gateway();
      const reply = await (await gateway()).ask({ path: `/api/v1/ice-servers?token=${key}`, over });
      assert.equal(reply.status, 200, reply.text);
      assert.equal(JSON.parse(reply.text).iceServers.length, 2);
      const refused = await (await gateway()).ask({ path: "/api/v1/ice-servers", over });
      assert.equal(refused.status, 401);
      assert.equal(JSON.parse(refused.text).code, "unauthorized");
    });
  }

  for (const transport of ["udp", "tcp", "tls"] as const) {
    test(`turnutils_uclient over ${transport}: channels, relay to relay`, UNHURRIED, async () => {
      const { ports, child } = await gateway();
      const { username, credential } = await (await gateway()).mint();
      const server = { transport, host: "127.0.0.1", port: ports[transport], username, credential };
      const { sent, received } = await uclient({ ...server, clients: 2, messages: MESSAGES });
      assert.equal(sent, 2 * MESSAGES);
      assert.ok(received > (transport === "tls" ? MESSAGES : sent - 1), `${received} of ${sent} received`);
      await until(() => packetsToClients(child.stderr(), transport) === sent, 5000, "Every message at its client");
    });
  }

  test("DONT-FRAGMENT is honoured, for clients of streams too", UNHURRIED, async () => {
    for (const transport of ["udp", "tcp"] as const) {
      const probe = await (await gateway()).probe(transport, { credentials: await (await gateway()).mint() });
      const answer = await probe.ask({ kind: "allocate", dontFragment: true });
      assert.equal(answer.kind, "success", transport);
      probe.close();
    }
  });

  test("icebreaker check uses every URL and finds nothing wrong", UNHURRIED, async () => {
    const running = await gateway();
    const { ports, key, authority } = running;
    const flags = ["--url", `http://127.0.0.1:${ports.http}`, "--key", key, "--at", "127.0.0.1", "--ca", authority.file];
    const { code, stdout, stderr } = await running.run("check", ...flags);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(JSON.parse(stdout).length, 4);
  });

  test("commands beside it, and SIGHUP", UNHURRIED, async () => {
    const running = await gateway();
    const [project = ""] = /project_[a-z0-9]+/.exec((await running.mint()).username) ?? [];
    const { code, stdout, stderr } = await running.run("mint", project);
    assert.equal(code, 0, stderr);
    const talker = await allocate(await running.probe("udp", { credentials: JSON.parse(stdout) }));
    const peers = [parseAddress("127.0.0.77:7777")];
    const permitted = async (): Promise<boolean> =>
      (await talker.probe.ask({ kind: "createPermission", peers })).kind === "success";
    assert.equal(await permitted(), false);
    await running.reconfigure({ relay: { peers: { allow: ["127.0.0.0/8"] } } });
    await until(permitted, 5000, "A permission that the new rules allow");
    await hearsItself(talker);
    await hangUp(talker);
  });
});

/** The layers that touch the system; those that do not are pure, and a runtime cannot make them differ by much. */
describe("unit tests on Deno", { skip: needs("deno") }, () => {
  for (const layer of ["runtime", "dataplane", "edge", "store", "directory", "http", "threads", "gateway"]) {
    test(layer, SLOW, async () => {
      const args = ["test", "--allow-all", "--no-check", "--quiet", "--reporter=dot", `test/${layer}`];
      const { code, stdout, stderr } = await runToEnd(pathOf("deno") ?? "", args, { cwd: root, withinMs: SLOW.timeout - 10_000 });
      assert.equal(code, 0, stdout + stderr);
    });
  }
});

describe("deno task start", { skip: needs("deno") }, () => {
  test("serves; SIGTERM waits for a live allocation until the deadline, then ends with 0", UNHURRIED, async () => {
    const command = [pathOf("deno") ?? "", "task", "--quiet", `--config=${join(root, "deno.json")}`, "start"];
    const gateway = await startGateway({ command, readyMs: READY_MS, settings: { shutdown: { deadline: 2 } } });
    const talker = await allocate(await gateway.probe("udp", { credentials: await gateway.mint() }));
    const begun = performance.now();
    gateway.child.process.kill("SIGTERM");
    await hearsItself(talker);
    assert.equal(await gateway.child.ended, 0, gateway.child.stderr());
    assert.ok(performance.now() - begun > 1500);
    talker.probe.close();
    await gateway.remove();
  });
});
