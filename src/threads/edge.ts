import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { LoopPlane } from "../dataplane/batch/loop-plane.ts";
import { openLibc } from "../dataplane/libc.ts";
import type { Packet } from "../dataplane/plane.ts";
import { askForPromptness } from "../dataplane/promptness.ts";
import { PortablePlane } from "../dataplane/portable/plane.ts";
import { ADMISSION_LIMITS, Admission } from "../edge/admission.ts";
import { Certificates } from "../edge/certificates.ts";
import { EdgeListener, PATIENCE } from "../edge/listener.ts";
import { STREAM_CLIENTS, StreamClients } from "../edge/stream-clients.ts";
import type { ErrorLog } from "../http/services.ts";
import { Housekeeping } from "./housekeeping.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { TurnEvent } from "../turn/event.ts";
import { Api } from "./api.ts";
import { DataConnections } from "./data-connections.ts";
import type { FromThread, ToThread } from "./mailbox.ts";
import type { EdgeThreadPlan, Listener } from "./plan.ts";
import { MainRecords } from "./records.ts";
import { LateHandler, ThreadShard } from "./thread-shard.ts";

const DROPPED_FOR_SLOW_CLIENT = 4;

/** What runs on an edge thread: listeners, stream clients and their shard, the API. */
export class EdgeThread {
  readonly #plan: EdgeThreadPlan;
  readonly #thread: ThreadShard;
  readonly #clients: StreamClients;
  readonly #plane: LoopPlane | PortablePlane;
  readonly #data: DataConnections | undefined;
  readonly #api: Api;
  readonly #records = new MainRecords((message) => this.#tell(message));
  /** Mistakes of the API, for main's log. */
  readonly #log: ErrorLog = {
    error: (fields, text) => this.#tell({ kind: "error", fields, text }),
    debug: (fields, sentence) => {
      if (this.#thread.debug) this.#thread.lines.push({ level: "debug", fields, sentence });
    },
  };
  readonly #admission = new Admission(ADMISSION_LIMITS, () => this.#accepted());
  readonly #housekeeping: Housekeeping;
  #connections = 0;
  readonly #certificates: Certificates;
  readonly #listeners: readonly EdgeListener[];
  #turnIsOpen = false;
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #alarmMs = Number.POSITIVE_INFINITY;

  constructor(plan: EdgeThreadPlan, runtime: Runtime) {
    const libc = openLibc(runtime);
    askForPromptness(libc);
    this.#housekeeping = new Housekeeping(runtime);
    this.#plan = plan;
    const handler = new LateHandler();
    const { bell } = plan;
    this.#plane =
      bell === undefined
        ? new PortablePlane({ libc, listeners: [] }, handler)
        : new LoopPlane(libc, bell.plan, bell.number, handler);
    this.#clients = new StreamClients(
      { ...STREAM_CLIENTS, staging: this.#plane.staging },
      {
        fromClient: (packet) => this.#fromClient(packet),
        clientClosed: (from) => this.#think(() => this.#thread.shard.handle({ kind: "clientClosed", from })),
      },
    );
    const { streams } = runtime;
    this.#data =
      streams &&
      new DataConnections({
        libc,
        streams,
        clients: this.#clients,
        think: (input) => this.#think(() => this.#thread.shard.handle(input)),
        shownOf: (wire) => this.#thread.shownOf(wire),
        bytesPerSecond: () => this.#thread.bytesPerSecond,
      });
    const data = this.#data;
    this.#thread = new ThreadShard(plan, libc, {
      clients: this.#clients,
      peers: this.#plane,
      streams: true,
      tcp: data && { ports: data.relays, perform: (action) => data.perform(action) },
      setsDontFragment: bell !== undefined || libc.adoptsDatagramSockets,
      closeClient: ({ socket }) => this.#clients.close(socket),
      witness: (event) => this.#witness(event),
    });
    const { shard } = this.#thread;
    handler.attach({
      fromClient: () => {},
      fromPeer: (packet) => shard.fromPeer(packet),
      peerUnreachable: (relay, peer, type, code, data) => shard.peerUnreachable(relay, peer, type, code, data),
      turnEnds: () => this.#endTurn(),
    });
    const { directory, clock, counters } = this.#thread;
    const parts = { directory, clock, counters, mints: plan.memory.mints, hashKey: plan.hashKey };
    this.#api = new Api(plan.edge.api, {
      ...parts,
      records: this.#records,
      log: this.#log,
    });
    this.#certificates = new Certificates(plan.edge.api.own.endpoints.hostname);
    if (plan.certificate !== undefined) this.#certificates.load(plan.certificate, clock.now().unixMs);
    this.#listeners = [
      ...plan.tcp.map((listener) => this.#open("tcp", listener)),
      ...plan.tls.map((listener) => this.#open("tls", listener)),
    ];
  }

  /** Begins to accept. */
  async listen(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.listen()));
  }

  /** Does what main says. */
  obey(message: ToThread): void {
    switch (message.kind) {
      case "change":
        this.#think(() => this.#thread.change(message.text));
        return this.#tell({ kind: "taken", number: message.number });
      case "admit":
        return this.#thread.directory.admit(message.newcomers);
      case "settings":
        this.#api.reconfigure(message.edge.api);
        return this.#think(() => this.#thread.reconfigure(message.settings));
      case "fromShard":
      case "alternates":
        return this.#think(() => this.#thread.shard.handle(message));
      case "gateways":
        return this.#api.setGateways(message.gateways);
      case "revoked":
        return this.#records.answered(message.number, message.done);
      case "health":
        return this.#api.setHealth(message.health);
      case "certificate":
        this.#certificates.load(message, this.#thread.clock.now().unixMs);
        return undefined;
      case "drain":
        this.#api.drain();
        return this.#think(() => this.#thread.shard.handle({ kind: "drain" }));
      case "stop":
        return this.#stop();
    }
  }

  #open(kind: "tcp" | "tls", { descriptor, address }: Listener): EdgeListener {
    const { proxyProtocol, passthrough } = this.#plan.edge;
    const neighbourFor = (serverName: string) => passthrough.get(serverName);
    return new EdgeListener(
      { kind, descriptor, address, patience: PATIENCE, proxyProtocol, neighbourFor },
      {
        http: (socket) => this.#api.adopt(socket),
        turn: (socket, transport, visit) => this.#clients.adopt(socket, transport, undefined, visit),
      },
      this.#admission,
      kind === "tls" ? this.#certificates : undefined,
    );
  }

  #fromClient(packet: Packet): void {
    this.#think(() => this.#thread.shard.fromClient(packet));
  }

  /** Connections that come to nothing leave garbage too. */
  #accepted(): void {
    this.#connections += 1;
    this.#think(() => {});
  }

  /** Whatever is thought in one turn of the loop leaves in one write for each client. */
  #think(thought: () => void): void {
    thought();
    if (this.#turnIsOpen) return;
    this.#turnIsOpen = true;
    setImmediate(() => this.#endTurn());
  }

  #endTurn(): void {
    this.#turnIsOpen = false;
    this.#thread.shard.turnEnds();
    this.#clients.flush();
    this.#housekeeping.after(this.#thread.doings(this.#connections, this.#admission.connections));
    const lines = this.#thread.takeLines();
    if (lines.length > 0) this.#tell({ kind: "lines", lines });
    const { counters } = this.#thread;
    counters.set("dropped_packets_total", DROPPED_FOR_SLOW_CLIENT, this.#clients.counters.droppedDatagrams);
    counters.set("stream_connections", 0, this.#clients.count);
    counters.set("stream_connections", 1, this.#admission.connections - this.#clients.count);
    this.#setAlarm();
  }

  /** One timer, for the engine's earliest deadline. */
  #setAlarm(): void {
    const due = this.#thread.shard.nextDeadline ?? Number.POSITIVE_INFINITY;
    if (due === this.#alarmMs) return;
    clearTimeout(this.#alarm);
    this.#alarmMs = due;
    if (due === Number.POSITIVE_INFINITY) return;
    const wait = Math.max(0, Math.ceil(due - this.#thread.clock.monotonicMs()));
    this.#alarm = setTimeout(() => {
      this.#alarmMs = Number.POSITIVE_INFINITY;
      this.#think(() => this.#thread.shard.expire());
    }, wait);
  }

  #witness(event: TurnEvent): void {
    if (event.type === "allocated" || event.type === "movedHere") {
      this.#clients.allocated(event.allocation.client.socket, true);
    } else if (event.type === "allocationEnded" || event.type === "movedAway") {
      this.#clients.allocated(event.allocation.client.socket, false);
    }
  }

  #stop(): void {
    for (const listener of this.#listeners) listener.close();
    this.#think(() => this.#thread.shard.handle({ kind: "shutdown" }));
    setImmediate(async () => {
      this.#endTurn();
      this.#clients.closeAll();
      await this.#api.close();
      clearTimeout(this.#alarm);
      this.#data?.close();
      this.#plane.close();
      this.#tell({ kind: "stopped" });
    });
  }

  #tell(message: FromThread): void {
    this.#plan.mailbox.postMessage(message);
  }
}
