import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Probe } from "../../src/client/probe.ts";
import { parseAddress, type Transport, type TransportAddress } from "../../src/net/address.ts";
import { testAuthority } from "../../test/support/certificates.ts";
import { freePorts } from "../../test/support/free-ports.ts";
import { startGateway } from "../../test/support/gateway.ts";
import type { Credentials } from "./load.ts";
import { cores, stayOnFirstCore } from "./process-cost.ts";

/** Clients that share a pair: as many as `limits.allocations_per_label` allows one person. */
const CLIENTS_OF_A_PAIR = 100;
/** Below the ports that systems give to outgoing sockets, which the load's clients are. */
const RELAY_PORTS = { first: 10_000, last: 32_767 };
const READY_MS = 15_000;

/** A TURN server under load. */
export interface Server {
  readonly name: string;
  readonly pid: number;
  address(transport: Transport): TransportAddress;
  /** Pairs for so many clients. */
  credentials(clients: number): Promise<(client: number) => Credentials>;
  stop(): Promise<void>;
}

/** The installed coturn with a relay thread for each core: a command for {@link startOther}. */
export const COTURN = [
  "turnserver -n --use-auth-secret --static-auth-secret=$SECRET --realm=$REALM --no-cli --allow-loopback-peers",
  "--listening-ip=127.0.0.1 --listening-port=$PORT --tls-listening-port=$TLS_PORT --cert=$CERTIFICATE --pkey=$KEY",
  "--relay-ip=127.0.0.1 --min-port=$FIRST_PORT --max-port=$LAST_PORT --relay-threads=$CORES",
  "--pidfile=$FOLDER/pid --userdb=$FOLDER/db --log-file=$FOLDER/log",
].join(" ");

/** Starts the executable, built if need be, with a relay thread for each core, or as many as are asked for, and every limit on. */
export async function startIcebreaker(workers = cores): Promise<Server> {
  stayOnFirstCore(false);
  const gateway = await startGateway({
    settings: ({ udp, tcp, tls }) => ({
      listen: { udp: [`127.0.0.1:${udp}`], tcp: [`127.0.0.1:${tcp}`], tls: [`127.0.0.1:${tls}`] },
      relay: {
        workers,
        address: ["127.0.0.1"],
        ports: `${RELAY_PORTS.first}-${RELAY_PORTS.last}`,
        peers: { allow: ["127.0.0.0/8"] },
      },
      limits: {
        allocations_per_project: 1_000_000,
        bandwidth_per_allocation: 1_000_000_000,
        unauthenticated_replies_per_second: 100_000, // all clients have one address here, and all join at once
      },
    }),
  });
  stayOnFirstCore(true);
  const { ports, child } = gateway;
  let people = 0;
  const pid = child.process.pid ?? 0;
  return {
    name: "icebreaker",
    pid,
    address: (transport) => parseAddress(`127.0.0.1:${ports[transport]}`),
    async credentials(clients) {
      const pairs: Credentials[] = [];
      for (let i = 0; i < clients; i += CLIENTS_OF_A_PAIR) pairs.push(await gateway.mint({ label: `client-${people++}` }));
      return pairOf(pairs);
    },
    stop: () => gateway.stop(),
  };
}

/**
 * Starts another server by a shell command, which finds in its environment what it must listen on and accept: PORT (UDP and
 * TCP) and TLS_PORT on 127.0.0.1, SECRET for pairs `<unix-expiry>:<name>` with the base64 of an HMAC-SHA1, REALM, CERTIFICATE
 * and KEY as files, FIRST_PORT and LAST_PORT of relays, CORES, and a FOLDER for whatever it writes.
 *
 * @throws {Error} if it does not answer a Binding request in time
 */
export async function startOther(name: string, command: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "icebreaker-bench-"));
  const authority = await testAuthority(folder);
  const [{ certificate, key }, [port = 0, tlsPort = 0]] = await Promise.all([authority.issueFiles(["127.0.0.1"]), freePorts(2)]);
  const secret = randomBytes(16).toString("hex");
  const settings = { PORT: port, TLS_PORT: tlsPort, SECRET: secret, REALM: "bench.test", CERTIFICATE: certificate, KEY: key };
  const range = { FIRST_PORT: RELAY_PORTS.first, LAST_PORT: RELAY_PORTS.last, CORES: cores, FOLDER: folder };
  const texts = Object.entries({ ...settings, ...range }).map(([variable, value]) => [variable, `${value}`]);
  stayOnFirstCore(false);
  const child = spawn("sh", ["-c", `exec ${command}`], {
    env: { ...process.env, ...Object.fromEntries(texts) },
    stdio: "ignore",
    cwd: folder,
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  stayOnFirstCore(true);
  await untilAnswering(parseAddress(`127.0.0.1:${port}`), name);
  return {
    name,
    pid: child.pid ?? 0,
    address: (transport) => parseAddress(`127.0.0.1:${transport === "tls" ? tlsPort : port}`),
    async credentials(clients) {
      const pairs = Array.from({ length: Math.ceil(clients / CLIENTS_OF_A_PAIR) }, (_, i) => {
        const username = `${Math.floor(Date.now() / 1000) + 3600}:client-${i}`;
        return { username, credential: createHmac("sha1", secret).update(username).digest("base64") };
      });
      return pairOf(pairs);
    },
    async stop() {
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function pairOf(pairs: readonly Credentials[]): (client: number) => Credentials {
  return (client) => {
    const pair = pairs[Math.floor(client / CLIENTS_OF_A_PAIR)];
    if (pair === undefined) throw new RangeError(`There is no pair for client ${client}`);
    return pair;
  };
}

async function untilAnswering(server: TransportAddress, name: string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    const probe = await Probe.open({ transport: "udp", server, initialTimeoutMs: 5 });
    const answer = await probe.ask({ kind: "binding" });
    probe.close();
    if (answer.kind === "success") return;
  }
  throw new Error(`${name} does not answer on port ${server.port}`);
}
