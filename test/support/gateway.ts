import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "smol-toml";
import type { LineOptions } from "../../src/client/line.ts";
import { Probe, type ProbeOptions } from "../../src/client/probe.ts";
import { parseAddress, type Transport } from "../../src/net/address.ts";
import { type CertifiedKey, type TestAuthority, testAuthority } from "./certificates.ts";
import { type Child, runToEnd, startChild } from "./child.ts";
import { executable } from "./executable.ts";
import { freePorts, relayRange } from "./free-ports.ts";
import { askHttp, type HttpReply } from "./https-client.ts";

/** The name of every gateway under test; whoever looks it up is told 127.0.0.1. */
export const HOSTNAME = "relay.test";
const READY_MS = 15_000;
const RELAY_PORTS = 4000;
const CONNECT_MS = 10_000;

/** Settings by table and key, as in the configuration file. */
export type Overrides = Readonly<Record<string, unknown>>;

/** The listeners' ports, the same on IPv4 and IPv6. */
export interface Ports {
  readonly udp: number;
  readonly tcp: number;
  readonly tls: number;
  readonly http: number;
  readonly metrics: number;
}

/** What a gateway shall be like. */
export interface GatewayOptions {
  /** Laid over the settings of the harness, table by table; may depend on the ports. */
  readonly settings?: Overrides | ((ports: Ports) => Overrides);
  readonly env?: Readonly<Record<string, string>>;
  /** Another gateway, whose database and key it shares. */
  readonly beside?: Gateway;
  /** What serves instead of the built executable: a program and its arguments before `--config`; the last is its `serve`. */
  readonly command?: readonly string[];
  /** How long the start may take. */
  readonly readyMs?: number;
}

/** An answer of `POST /v1/credentials`. */
export interface Minted {
  readonly username: string;
  readonly credential: string;
  readonly ttl: number;
  readonly region: string;
  readonly iceServers: readonly { readonly urls: readonly string[]; readonly username: string; readonly credential: string }[];
}

/** The built executable, or what stands for it, serving on loopback from a fresh state directory. */
export class Gateway {
  readonly ports: Ports;
  readonly child: Child;
  /** Who signed its certificate. */
  readonly authority: TestAuthority;
  /** The configuration file, for commands beside it. */
  readonly configuration: string;
  /** The first project's API key, as it was printed; empty on PostgreSQL, where none is made. */
  readonly key: string;
  /** Its certificate and key, as files. */
  readonly files: CertifiedKey;
  readonly #command: readonly string[];
  readonly #directory: string;
  readonly #settings: Record<string, unknown>;

  constructor(
    made: Pick<Gateway, "ports" | "child" | "authority" | "configuration" | "key" | "files">,
    { command, directory, settings }: { command: readonly string[]; directory: string; settings: Record<string, unknown> },
  ) {
    this.ports = made.ports;
    this.child = made.child;
    this.authority = made.authority;
    this.configuration = made.configuration;
    this.key = made.key;
    this.files = made.files;
    this.#command = command;
    this.#directory = directory;
    this.#settings = settings;
  }

  /** Where it keeps its database. */
  get stateDirectory(): string {
    return join(this.#directory, "state");
  }

  /** Asks the API over `listen.http`, or over HTTPS on the TLS port. */
  ask(question: {
    path: string;
    method?: string;
    headers?: Record<string, string>;
    body?: string;
    over?: "http" | "tls" | "metrics";
  }): Promise<HttpReply> {
    const { over = "http", ...rest } = question;
    const tls = over === "tls" ? { tls: { ca: this.authority.pem, servername: HOSTNAME } } : {};
    return askHttp({ host: "127.0.0.1", port: this.ports[over], ...rest, ...tls });
  }

  /** Mints a pair. @throws {Error} with the whole answer, if that is not what came */
  async mint(wishes: Readonly<Record<string, unknown>> = {}, key = this.key): Promise<Minted> {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const reply = await this.ask({ path: "/v1/credentials", method: "POST", headers, body: JSON.stringify(wishes) });
    if (reply.status !== 200) throw new Error(`The mint was answered ${reply.status}: ${reply.text}`);
    return JSON.parse(reply.text);
  }

  /** A client on one of the listeners, on IPv4 unless said otherwise. */
  probe(transport: Transport, options: Partial<ProbeOptions> & { host?: string } = {}): Promise<Probe> {
    const { host = "127.0.0.1", ...rest } = options;
    return Probe.open({ ...this.lineTo(transport, host), ...rest });
  }

  /** How to reach one of the listeners. */
  lineTo(transport: Transport, host = "127.0.0.1"): LineOptions {
    const server = parseAddress(`${host.includes(":") ? `[${host}]` : host}:${this.ports[transport]}`);
    const tls = { ca: this.authority.pem, servername: HOSTNAME, verify: true };
    return { transport, server, tls, connectTimeoutMs: CONNECT_MS };
  }

  /** Runs a command of the executable on the same configuration. */
  run(...args: string[]): ReturnType<typeof runToEnd> {
    const [program = "", ...first] = this.#command;
    return runToEnd(program, [...first.slice(0, -1), ...args, "--config", this.configuration], {
      cwd: this.#directory,
      env: cleanEnvironment(),
    });
  }

  /** Writes the configuration anew, with settings laid over what it was at the start, and has it reloaded. */
  async reconfigure(overrides: Overrides): Promise<void> {
    await writeFile(this.configuration, stringify(merge(this.#settings, overrides)));
    this.child.process.kill("SIGHUP");
  }

  /** Memory of the process, in octets. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.child.process.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  /** Removes what it left behind, for a test that has ended it already. */
  remove(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }

  /** Ends it as systemd would. @throws {Error} with its log, if it does not exit with 0 */
  async stop(): Promise<void> {
    const code = await this.child.stop("SIGTERM", 20_000);
    if (code !== 0) throw new Error(`The gateway exited with ${code}:\n${this.child.stdout()}\n${this.child.stderr()}`);
    await this.remove();
  }
}

/**
 * Starts the built executable, or `command`, with two relay threads and waits until it is ready.
 *
 * @throws {Error} with all it said, if it does not become ready
 */
export async function startGateway({
  settings = {},
  env = {},
  command,
  readyMs = READY_MS,
  beside,
}: GatewayOptions = {}): Promise<Gateway> {
  const directory = await mkdtemp(join(tmpdir(), "icebreaker-gateway-"));
  const [program = "", ...first] = command ?? [await executable(), "serve"];
  const [authority, free] = await Promise.all([testAuthority(directory), freePorts(5)]);
  const [udp = 0, tcp = 0, tls = 0, http = 0, metrics = 0] = free;
  const ports = { udp, tcp, tls, http, metrics };
  const files = await authority.issueFiles([HOSTNAME, "localhost", "127.0.0.1", "::1"]);
  const overrides = typeof settings === "function" ? settings(ports) : settings;
  const shares = beside === undefined ? {} : { database: { url: `sqlite:${join(beside.stateDirectory, "icebreaker.db")}` } };
  const whole = merge(merge(defaults(ports, directory, files), shares), overrides);
  const configuration = join(directory, "icebreaker.toml");
  await writeFile(configuration, stringify(whole));

  const child = startChild(program, [...first, "--config", configuration], { ...cleanEnvironment(), ...env }, directory);
  try {
    const makesKey = beside === undefined && makesFirstKey(whole);
    const [key] = makesKey ? await child.says(/\bibk_[A-Za-z0-9_-]+/, readyMs) : [beside?.key ?? ""];
    await untilReady(child, ports, readyMs);
    return new Gateway(
      { ports, child, authority, configuration, key, files },
      { command: [program, ...first], directory, settings: whole },
    );
  } catch (error) {
    await child.stop("SIGKILL");
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

function defaults(ports: Ports, directory: string, files: CertifiedKey): Record<string, unknown> {
  const both = (port: number): string[] => [`127.0.0.1:${port}`, `[::1]:${port}`];
  return {
    hostname: HOSTNAME,
    state_dir: join(directory, "state"),
    listen: {
      udp: both(ports.udp),
      tcp: both(ports.tcp),
      tls: both(ports.tls),
      http: [`127.0.0.1:${ports.http}`],
      metrics: [`127.0.0.1:${ports.metrics}`],
    },
    relay: { address: ["127.0.0.1", "::1"], ports: relayRange(RELAY_PORTS), workers: 2 },
    tls: files,
    shutdown: { deadline: 1 },
  };
}

function makesFirstKey({ database }: Record<string, unknown>): boolean {
  return !(isTable(database) && /^postgres/.test(`${database.url}`));
}

/** Tables are laid over tables, all else replaces. */
function merge(under: Record<string, unknown>, over: Overrides): Record<string, unknown> {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = under[key];
    merged[key] = isTable(below) && isTable(value) ? merge(below, value) : value;
  }
  return merged;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Ours, without what would reach into the gateway's configuration. */
function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(ICEBREAKER_|JOURNAL_STREAM|STATE_DIRECTORY|BUN_|NODE_)/.test(name),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? ""]));
}

async function untilReady(child: Child, ports: Ports, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  let last = "";
  while (Date.now() < deadline && child.process.exitCode === null) {
    const question = { host: "127.0.0.1", port: ports.metrics, path: "/readyz" };
    const reply = await askHttp(question).catch((error: unknown) => ({ status: 0, text: String(error) }));
    if (reply.status === 200) return;
    last = reply.text;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`The gateway did not become ready: ${last}\n${child.stdout()}\n${child.stderr()}`);
}
