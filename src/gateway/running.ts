import { clearInterval, setInterval, setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import type { LoadedSettings } from "../config/load.ts";
import type { Endpoints } from "../credentials/endpoints.ts";
import { openBell } from "../dataplane/batch/bell.ts";
import { giveBackCleanPages } from "../dataplane/clean-pages.ts";
import type { Libc } from "../dataplane/libc.ts";
import { notify } from "../dataplane/notify.ts";
import { wake } from "../dataplane/socket.ts";
import { Announcer } from "../directory/announce.ts";
import { Directory, encodeChange } from "../directory/directory.ts";
import { type Following, follow } from "../directory/follow.ts";
import { Publisher } from "../directory/publisher.ts";
import { Regions } from "../directory/regions.ts";
import { allocationsOf, Counters } from "../observe/counters.ts";
import type { IpAddress } from "../net/ip.ts";
import type { Log } from "../observe/log.ts";
import { type Gauge, prometheusText } from "../observe/prometheus.ts";
import type { Change, Revocation, Store } from "../store/store.ts";
import { Api } from "../threads/api.ts";
import { type ThreadClock, threadClock } from "../threads/clock.ts";
import type { GatewayRows } from "../threads/mailbox.ts";
import type { EdgeSettings, ShardSettings } from "../threads/plan.ts";
import { ThreadPool } from "../threads/pool.ts";
import { Alternates } from "./alternates.ts";
import { certificateFiles, type StartCertificate } from "./certificate.ts";
import { CertificateKeeper } from "./certificate-keeper.ts";
import type { KeyOutlet } from "./database.ts";
import { apiSettings, needRestart, ownAddresses, shardSettings, type ThreadCounts } from "./derive.ts";
import { openFront } from "./front.ts";
import { HealthBoard } from "./health.ts";
import { type Host, hostAddresses } from "./host.ts";
import { jwtPublicKey } from "./jwt-key.ts";
import { listenersOf, type OpenedListeners } from "./listeners.ts";
import type { SharedState } from "./memory.ts";
import { Revocations } from "./revocations.ts";
import { FreeDescriptors, shortages } from "./shortages.ts";
import { WallClock } from "./wall-clock.ts";

/** What a gateway finds around it. */
export interface Surroundings extends KeyOutlet {
  readonly log: Log;
  /** systemd's, if it started us. */
  readonly notifySocket: string | undefined;
  /** A thread has died: the process must end. */
  readonly failed: (reason: string) => void;
}

/** What a start has made, before anything runs. */
export interface GatewayParts {
  readonly loaded: LoadedSettings;
  /** No peer may be there. */
  readonly databaseAddresses: readonly IpAddress[];
  readonly surroundings: Surroundings;
  readonly libc: Libc;
  readonly host: Host;
  readonly hostname: string;
  readonly threads: ThreadCounts;
  readonly listeners: OpenedListeners;
  readonly certificate: StartCertificate | undefined;
  readonly store: Store;
  readonly own: {
    readonly id: string;
    readonly endpoints: Endpoints;
    readonly version: string;
    readonly publicKey: string | undefined;
  };
  readonly edge: EdgeSettings;
  readonly state: SharedState;
}

const FOLLOW_INTERVAL_MS = 500; // an administrator's change is honoured within a second
const LOOK_AT_GATEWAYS_MS = 1_000;
const HEARTBEAT_MS = 2_000;
const LOOK_AT_HOST_MS = 5_000;
/** After it serves: what only the start needed is not wanted again. */
const START_IS_OVER_MS = 3_000;
const LOOK_AT_MACHINE_MS = 2_000;
const SHORTAGES = ["ports_exhausted", "descriptors_exhausted"];
const DRAIN_LOOK_MS = 100;
const FAREWELL_MS = 1_000;
const REMEMBERED_MS = 7_200_000; // a revocation, beyond its end: a clock that is an hour fast may be set right

/** A gateway at work: what its threads are told, and how it ends. */
export class RunningGateway {
  readonly #parts: GatewayParts;
  readonly #log: Log;
  readonly #clock: ThreadClock = threadClock(performance.timeOrigin);
  readonly #wallClock = new WallClock(this.#clock.now());
  readonly #pool: ThreadPool;
  readonly #health: HealthBoard;
  readonly #directory = new Directory();
  readonly #publisher = new Publisher({
    directory: this.#directory,
    change: (change) => this.#pool.change(encodeChange(change)),
    admit: (newcomers) => this.#pool.tell({ kind: "admit", newcomers }, "edge"),
  });
  readonly #counters: readonly Counters[];
  readonly #api: Api;
  readonly #metrics: Api;
  readonly #announcer: Announcer;
  readonly #regions: Regions;
  readonly #alternates = new Alternates((servers) => this.#pool.tell({ kind: "alternates", servers }));
  readonly #following: Following;
  readonly #revocations: Revocations;
  readonly #certificates: CertificateKeeper | undefined;
  #loaded: LoadedSettings;
  #own: GatewayParts["own"];
  #host: Host;
  #hostWatch: ReturnType<typeof setInterval> | undefined;
  #machineWatch: ReturnType<typeof setInterval> | undefined;
  #hasCompany = false;
  readonly #freeDescriptors = new FreeDescriptors();

  constructor(parts: GatewayParts) {
    const { loaded, surroundings, libc, host, certificate, store, own, state } = parts;
    this.#parts = parts;
    this.#loaded = loaded;
    this.#own = own;
    this.#host = host;
    this.#log = surroundings.log;
    this.#counters = state.counters.map((memory) => new Counters(memory));
    this.#pool = new ThreadPool(
      {
        lines: (lines) => {
          for (const { level, fields, sentence } of lines) this.#log[level](fields, sentence);
        },
        error: (fields, text) => this.#log.error(fields, text),
        revoke: (username, expiresUnixMs) => this.#revocations.revoke({ username, expiresUnixMs }),
        failed: surroundings.failed,
      },
      (descriptor) => wake(libc, descriptor),
    );
    this.#api = this.#mainApi();
    this.#metrics = this.#mainApi(() => prometheusText(this.#counters, this.#gauges()));
    this.#health = new HealthBoard((health) => {
      this.#api.setHealth(health);
      this.#metrics.setHealth(health);
      this.#pool.tell({ kind: "health", health }, "edge");
    });
    this.#revocations = new Revocations({
      apply: (revocation) => this.#applyRevocation(revocation),
      write: (revocation) => store.revoke(revocation),
    });
    this.#following = follow(store, (change) => this.#publish(change), {
      intervalMs: FOLLOW_INTERVAL_MS,
      onTrouble: (error) =>
        this.#databaseTrouble("database", "The database does not answer: what was minted is served on", error),
    });
    this.#regions = new Regions({ id: own.id, region: loaded.settings.region, endpoints: own.endpoints });
    this.#announcer = new Announcer(store, {
      id: own.id,
      region: loaded.settings.region,
      endpoints: own.endpoints,
      clock: this.#clock,
      onGateways: (gateways) => this.#setGateways(gateways),
      intervalMs: LOOK_AT_GATEWAYS_MS,
      heartbeatMs: HEARTBEAT_MS,
      onTrouble: (error) => this.#databaseTrouble("announcement", "Other gateways do not hear of this one", error),
    });
    this.#certificates =
      certificate &&
      new CertificateKeeper(certificate, parts.hostname, this.#log, (pair) =>
        this.#pool.tell({ kind: "certificate", ...pair }, "edge"),
      );
  }

  /** Live allocations of all threads, and those between two. */
  get allocations(): number {
    return allocationsOf(this.#counters);
  }

  /** Starts the threads, lets the world in, and says so. */
  async begin(): Promise<void> {
    const { threads, listeners, state, edge, certificate, loaded, host, own, surroundings } = this.#parts;
    const settings = this.#shardSettings();
    const relays = Array.from({ length: threads.relay }, (_, i) =>
      this.#pool.startRelay({ ...state.shardPlan(i, settings), listeners: listenersOf(listeners.udp, i) }),
    );
    const bell = threads.edge > 0 && "waitAsync" in Atomics ? openBell(this.#parts.libc, threads.edge) : undefined;
    if (bell !== undefined) this.#pool.startBell(bell);
    const edges = Array.from({ length: threads.edge }, (_, i) =>
      this.#pool.startEdge({
        ...state.shardPlan(threads.relay + i, settings),
        edge,
        tcp: listenersOf(listeners.tcp, i),
        tls: listenersOf(listeners.tls, i),
        ...(bell === undefined ? {} : { bell: { plan: bell, number: i } }),
        ...(certificate === undefined ? {} : { certificate: certificate.pair }),
      }),
    );
    await Promise.all([...relays, ...edges]);
    await this.#following.now();
    await this.#publisher.admitted();
    await this.#announcer.start();
    const moved = [
      ...(await openFront("http", this.#api, loaded, host)),
      ...(await openFront("metrics", this.#metrics, loaded, host)),
    ];
    for (const sentence of moved) this.#log.warn({}, sentence);
    this.#hostWatch = setInterval(() => this.#lookAtHost(), LOOK_AT_HOST_MS);
    this.#machineWatch = setInterval(() => this.#lookAtMachine(), LOOK_AT_MACHINE_MS);
    this.#health.enter("serving");
    const { hostname, ...ports } = own.endpoints;
    this.#log.info({ region: loaded.settings.region, hostname, ...ports, version: own.version }, "Serving");
    notify(this.#parts.libc, surroundings.notifySocket, "READY=1");
    setTimeout(() => giveBackCleanPages(this.#parts.libc), START_IS_OVER_MS).unref();
  }

  /**
   * Takes up what can be taken up while running, and names the rest. Live allocations notice nothing.
   *
   * @throws {StartFailure} if a file that the settings name is of no use: all stays as it was
   */
  async reload(loaded: LoadedSettings): Promise<void> {
    const publicKey = await jwtPublicKey(loaded.settings);
    for (const warning of loaded.warnings) this.#log.warn({}, warning);
    const fixed = needRestart(this.#parts.loaded, loaded);
    if (fixed.length > 0) this.#log.warn({}, `These settings take a restart: ${fixed.join(", ")}; the rest is in force`);
    this.#loaded = loaded;
    this.#own = { ...this.#own, publicKey };
    this.#log.level = loaded.settings.log.level;
    this.#tellSettings();
    this.#certificates?.follow(certificateFiles(loaded.settings));
    this.#log.info({}, "Configuration reloaded");
  }

  /** No new allocations; waits for the live ones until `shutdown.deadline`, ends the rest, and everything else. */
  async drain(): Promise<void> {
    const { libc, surroundings, store } = this.#parts;
    const { deadline } = this.#loaded.settings.shutdown;
    notify(libc, surroundings.notifySocket, "STOPPING=1");
    this.#health.enter("draining");
    this.#log.info({ allocations: this.allocations, deadline }, "Draining");
    this.#pool.tell({ kind: "drain" });
    this.#api.drain();
    await this.#unlessSilent(this.#announcer.update({ draining: true }));
    const until = this.#clock.monotonicMs() + 1000 * deadline;
    while (this.allocations > 0 && this.#clock.monotonicMs() < until) await sleep(DRAIN_LOOK_MS);
    await this.#pool.stop();
    clearInterval(this.#hostWatch);
    clearInterval(this.#machineWatch);
    this.#certificates?.close();
    await Promise.all([this.#api.close(), this.#metrics.close()]);
    await this.#unlessSilent(Promise.all([this.#following.stop(), this.#announcer.stop(), this.#revocations.close()]));
    await this.#unlessSilent(store.close());
    this.#log.info({}, "Stopped");
  }

  /** A database that does not answer holds up no end: the other gateways find out by the silence. */
  #unlessSilent(work: Promise<unknown>): Promise<unknown> {
    return Promise.race([work, sleep(FAREWELL_MS)]);
  }

  #mainApi(metrics?: () => string): Api {
    const { edge, state } = this.#parts;
    return new Api(edge.api, {
      directory: this.#directory,
      clock: this.#clock,
      counters: this.#counters[0] ?? new Counters(Counters.memory()),
      mints: state.memory.mints,
      hashKey: state.hashKey,
      records: { revoke: (revocation) => this.#revocations.revoke(revocation) },
      log: this.#log,
      ...(metrics === undefined ? {} : { metrics }),
    });
  }

  #shardSettings(): ShardSettings {
    const { hostname, listeners, databaseAddresses } = this.#parts;
    const { settings } = this.#loaded;
    const own = [...ownAddresses(settings, this.#host), ...databaseAddresses];
    return shardSettings(settings, hostname, own, listeners.bound.udp);
  }

  #tellSettings(): void {
    const api = apiSettings(this.#loaded.settings, this.#own);
    this.#api.reconfigure(api);
    this.#metrics.reconfigure(api);
    this.#pool.tell({ kind: "settings", settings: this.#shardSettings(), edge: { ...this.#parts.edge, api } });
  }

  /** Addresses come and go: none of ours may be a peer. */
  #lookAtHost(): void {
    const addresses = hostAddresses();
    if (JSON.stringify(addresses) === JSON.stringify(this.#host.addresses)) return;
    this.#host = { ...this.#host, addresses };
    this.#tellSettings();
  }

  #lookAtMachine(): void {
    const clockWasSet = this.#wallClock.look(this.#clock.now());
    if (clockWasSet !== undefined) this.#log.warn({}, clockWasSet);
    this.#lookForShortages();
  }

  /** What runs out is said once, and once when there is enough again. */
  #lookForShortages(): void {
    const { livePorts, shape } = this.#parts.state;
    const allPorts = shape.addresses.length * (shape.lastPort - shape.firstPort + 1);
    const now = shortages({ livePorts: livePorts(), allPorts, freeDescriptors: this.#freeDescriptors.count });
    for (const code of SHORTAGES) {
      const problem = now.find((shortage) => shortage.code === code);
      const before = this.#health.current.problems.find((known) => known.code === code);
      if (problem !== undefined && before === undefined) {
        this.#health.raise(problem);
        this.#log.warn({}, problem.detail);
      } else if (problem === undefined && before !== undefined) {
        this.#health.settle(code);
        this.#log.info({}, `Over: ${before.detail}`);
      }
    }
  }

  #publish(change: Change): void {
    this.#publisher.publish(change);
    if (change.fromBeginning) for (const revocation of this.#revocations.waiting) this.#applyRevocation(revocation);
  }

  /** Nobody is woken to hear that there are no others. */
  #setGateways(rows: GatewayRows): void {
    const gateways = rows.filter(({ id }) => id !== this.#own.id);
    if (gateways.length === 0 && !this.#hasCompany) return;
    this.#hasCompany = gateways.length > 0;
    const now = this.#clock.now();
    this.#regions.setGateways(gateways, now);
    void this.#alternates.take(this.#regions.others(this.#loaded.settings.region), now.monotonicMs);
    this.#api.setGateways(gateways);
    this.#pool.tell({ kind: "gateways", gateways }, "edge");
  }

  /** In force on this gateway from now on, as the database will say it. */
  #applyRevocation({ username, expiresUnixMs }: Revocation): void {
    const expires = Math.max(expiresUnixMs, this.#clock.now().unixMs) + REMEMBERED_MS;
    const nothing = { projects: [], deletedProjects: [], keys: [], revokedKeys: [] };
    const revocations = [{ username, expiresUnixMs: expires }];
    // It may come between the pages of a beginning, and is not the end of it.
    this.#publish({ revision: this.#directory.revision, more: true, ...nothing, revocations });
  }

  #databaseTrouble(code: string, detail: string, error: Error | undefined): void {
    if (error === undefined) {
      this.#health.settle(code);
      this.#log.info({}, `Over: ${detail}`);
    } else {
      this.#health.raise({ code, detail });
      this.#log.error({ reason: error.message }, detail);
    }
  }

  #gauges(): readonly Gauge[] {
    const ready = this.#health.current.status;
    const expiry = this.#certificates?.facts.notAfterUnixMs;
    return [
      { name: "ready", help: "Whether new clients are welcome", value: ready === "ready" || ready === "degraded" ? 1 : 0 },
      { name: "build_info", help: "The version that runs", value: 1, labels: `version="${this.#parts.own.version}"` },
      { name: "relay_ports_live", help: "Relayed ports in use, reserved ones too", value: this.#parts.state.livePorts() },
      { name: "quota_counters", help: "Quota counters above zero", value: this.#parts.state.quotaCounters() },
      { name: "resident_memory_bytes", help: "Memory of the process", value: process.memoryUsage.rss() },
      ...(expiry === undefined
        ? []
        : [{ name: "certificate_not_after_seconds", help: "When the certificate expires", value: expiry / 1000 }]),
    ];
  }
}
