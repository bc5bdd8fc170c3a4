import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Probe } from "../../src/client/probe.ts";
import { credentialKey, mint } from "../../src/credentials/credential.ts";
import { openLibc } from "../../src/dataplane/libc.ts";
import { openUdpListener, socketName, wake } from "../../src/dataplane/socket.ts";
import { encodeChange } from "../../src/directory/directory.ts";
import { shardSettings } from "../../src/gateway/derive.ts";
import { shareState } from "../../src/gateway/memory.ts";
import { Secret } from "../../src/lib/secret.ts";
import { parseAddress } from "../../src/net/address.ts";
import { parseIp } from "../../src/net/ip.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { ThreadPool } from "../../src/threads/pool.ts";
import { relayRange } from "../support/free-ports.ts";
import { UNHURRIED } from "../support/shared.ts";
import { loaded } from "../support/loaded.ts";

const THREADS = 2;
const ROUNDS = 20;
/** So many that a thread is busy with them for a while. */
const PROJECTS = 1000;
const REGION = "us-east";
const nothing = { deletedProjects: [], keys: [], revokedKeys: [], revocations: [] };

test("a change is taken when every thread verifies by it: whoever is minted for then is let in at once", UNHURRIED, async () => {
  const libc = openLibc(await openRuntime());
  const { settings } = loaded("");
  const local = parseIp("127.0.0.1");
  const [firstPort = 0, lastPort = 0] = relayRange(100).split("-").map(Number);
  const shape = { addresses: [{ local, shown: local }], firstPort, lastPort };
  const state = shareState(shape, REGION, { relay: THREADS, edge: 0 });
  const failed = (reason: string): never => assert.fail(reason);
  const pool = new ThreadPool({ lines: () => {}, error: () => {}, revoke: async () => "written", failed }, (descriptor) =>
    wake(libc, descriptor),
  );
  const listeners = Array.from({ length: THREADS }, () => {
    const descriptor = openUdpListener(libc, parseAddress("127.0.0.1:0"), { receiveBufferBytes: 100_000 });
    return { descriptor, address: socketName(libc, descriptor) };
  });
  await Promise.all(
    listeners.map((listener, i) =>
      pool.startRelay({ ...state.shardPlan(i, shardSettings(settings, "relay.test", [], [])), listeners: [listener] }),
    ),
  );

  for (let round = 1; round <= ROUNDS; round++) {
    const projects = Array.from({ length: PROJECTS }, (_, i) => {
      const id = `project_${round}x${i}`;
      return { id, name: id, regions: [], secret: new Secret(new Uint8Array(randomBytes(32))) };
    });
    const [last] = projects.slice(-1);
    assert.ok(last);
    await pool.change(encodeChange({ revision: round, more: false, projects, ...nothing }));
    const credentials = mint(credentialKey(last, REGION), { ttl: 60, label: "a" }, { monotonicMs: 0, unixMs: Date.now() });
    for (const { address } of listeners) {
      const probe = await Probe.open({ transport: "udp", server: address, credentials });
      await probe.must({ kind: "allocate" });
      await probe.must({ kind: "refresh", lifetimeSeconds: 0 });
      probe.close();
    }
  }
  await pool.stop();
});
