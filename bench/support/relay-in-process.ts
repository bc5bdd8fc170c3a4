import { randomBytes } from "node:crypto";
import { MessageChannel } from "node:worker_threads";
import { credentialKey, mint } from "../../src/credentials/credential.ts";
import { BatchPlane } from "../../src/dataplane/batch/plane.ts";
import type { Libc } from "../../src/dataplane/libc.ts";
import type { PlaneHandler } from "../../src/dataplane/plane.ts";
import { openUdpListener, socketName } from "../../src/dataplane/socket.ts";
import { encodeChange } from "../../src/directory/directory.ts";
import { shareState } from "../../src/gateway/memory.ts";
import { Secret } from "../../src/lib/secret.ts";
import { parseAddress, type TransportAddress } from "../../src/net/address.ts";
import { parseCidr } from "../../src/net/cidr.ts";
import { parseIp } from "../../src/net/ip.ts";
import type { ShardSettings } from "../../src/threads/plan.ts";
import { LateHandler, ThreadShard } from "../../src/threads/thread-shard.ts";
import { SETTINGS } from "../../test/support/simulated-host.ts";
import type { Credentials } from "./load.ts";

const REGION = "us-east";
const LOOPBACK = parseIp("127.0.0.1");

/** What a relay thread runs, on the calling thread: the shard with engine, table and limits, on the batch plane, on loopback. */
export class RelayInProcess {
  readonly address: TransportAddress;
  readonly credentials: Credentials;
  readonly #plane: BatchPlane;
  readonly #thread: ThreadShard;

  /** @param wrap what stands between plane and shard; nothing, if not given */
  constructor(libc: Libc, wrap: (shard: PlaneHandler) => PlaneHandler = (shard) => shard) {
    const descriptor = openUdpListener(libc, parseAddress("0.0.0.0:0"), { receiveBufferBytes: 4_000_000 });
    const listener = { descriptor, address: socketName(libc, descriptor) };
    this.address = { ip: LOOPBACK, port: listener.address.port };
    const shape = { addresses: [{ local: LOOPBACK, shown: LOOPBACK }], firstPort: 49_152, lastPort: 65_535 };
    const { port1: mailbox } = new MessageChannel();
    const plan = { ...shareState(shape, REGION, { relay: 1, edge: 0 }).shardPlan(0, SHARD_SETTINGS), mailbox };
    const handler = new LateHandler();
    this.#plane = new BatchPlane(libc, { listeners: [listener] }, handler);
    const nobody = { streams: false, closeClient: () => {}, witness: () => {} };
    this.#thread = new ThreadShard(plan, libc, { clients: this.#plane, peers: this.#plane, ...nobody });
    handler.attach(wrap(this.#thread.shard));

    const project = { id: "project_bench", name: "bench", regions: [], secret: new Secret(new Uint8Array(randomBytes(32))) };
    const nothing = { deletedProjects: [], keys: [], revokedKeys: [], revocations: [] };
    this.#thread.change(encodeChange({ revision: 1, more: false, fromBeginning: true, projects: [project], ...nothing }));
    this.credentials = mint(credentialKey(project, REGION), { ttl: 3600, label: "bench" }, this.#thread.clock.now());
    mailbox.close();
  }

  /** One turn, as the loop of a relay thread makes it. */
  turn(timeoutMs: number): void {
    this.#plane.turn(timeoutMs);
    this.#thread.shard.expire();
  }

  close(): void {
    this.#plane.close();
  }
}

const SHARD_SETTINGS: ShardSettings = {
  engine: SETTINGS,
  peers: { allow: [parseCidr("127.0.0.0/8")], deny: [], only: [], minPort: 1, own: [] },
  quota: { perCredential: 10_000, perLabel: 100, perProject: 0 },
  bytesPerSecond: 1e9,
  unauthenticatedRepliesPerSecond: 400,
  debug: false,
};
