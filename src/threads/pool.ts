import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { BellPlan } from "../dataplane/batch/bell.ts";
import type { Line } from "../observe/narrate.ts";
import { threadEntry } from "./entries.ts";
import type { FromThread, ToThread } from "./mailbox.ts";
import type { EdgeThreadPlan, RelayThreadPlan } from "./plan.ts";

/** What a pool tells its owner. */
export interface PoolHandler {
  lines(lines: readonly Line[]): void;
  error(fields: Readonly<Record<string, unknown>>, text: string): void;
  /** In force on this gateway at once; `written` if the database has taken it. */
  revoke(username: string, expiresUnixMs: number): Promise<"written" | "waits">;
  /** A thread has died: half a relay is worse than a restart. */
  failed(reason: string): void;
}

interface Thread {
  readonly name: string;
  readonly shard: number;
  readonly worker: Worker;
  readonly mailbox: MessagePort;
  readonly ready: Promise<void>;
  readonly stopped: Promise<void>;
  wake: number | undefined;
}

/** The plan of a thread before its mailbox is made. */
type Unposted<T> = Omit<T, "mailbox">;

/** Starts threads, tells them what changes, and notices when one dies. */
export class ThreadPool {
  readonly #threads: { readonly kind: "relay" | "edge"; readonly thread: Thread }[] = [];
  readonly #handler: PoolHandler;
  readonly #wake: (descriptor: number) => void;
  #bell: { readonly wake: number; readonly ended: Promise<void> } | undefined;
  /** Changes that not every thread has taken in yet, by number. */
  readonly #untaken = new Map<number, { threads: number; readonly resolve: () => void }>();
  #lastChange = 0;
  #stopping = false;

  /** @param wake makes the thread that waits on a descriptor look into its mailbox */
  constructor(handler: PoolHandler, wake: (descriptor: number) => void) {
    this.#handler = handler;
    this.#wake = wake;
  }

  /** Starts a thread that relays; done when it serves. */
  startRelay(plan: Unposted<RelayThreadPlan>): Promise<void> {
    return this.#start("relay", plan);
  }

  /** Starts a thread for streams and HTTPS; done when it serves. */
  startEdge(plan: Unposted<EdgeThreadPlan>): Promise<void> {
    return this.#start("edge", plan);
  }

  /** Starts the thread that rings for threads with an event loop. Nobody need wait for it: what it finds, it tells. */
  startBell(plan: BellPlan): void {
    const worker = new Worker(threadEntry("bell-thread"), { workerData: plan });
    const ended = Promise.withResolvers<void>();
    const name = "bell thread";
    this.#bell = { wake: plan.wake, ended: ended.promise };
    worker.on("error", (error: Error) => this.#died({ name }, error.stack ?? error.message));
    worker.on("exit", (code: number) => {
      ended.resolve();
      this.#died({ name }, `exit code ${code}`);
    });
  }

  /** Tells threads something; what is told to one is told in order. */
  tell(message: ToThread, kind?: "relay" | "edge"): void {
    for (const entry of this.#threads) if (kind === undefined || entry.kind === kind) this.#post(entry.thread, message);
  }

  /** Tells every thread a change of the directory. @returns done when each has taken it in */
  change(text: string): Promise<void> {
    const number = ++this.#lastChange;
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#threads.length === 0) resolve();
    else this.#untaken.set(number, { threads: this.#threads.length, resolve });
    this.tell({ kind: "change", text, number });
    return promise;
  }

  /** Ends all allocations and then the threads. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.tell({ kind: "stop" });
    await Promise.all(this.#threads.map(({ thread }) => thread.stopped));
    for (const { thread } of this.#threads) thread.mailbox.close();
    if (this.#bell === undefined) return;
    this.#wake(this.#bell.wake);
    await this.#bell.ended;
  }

  #start(kind: "relay" | "edge", plan: Unposted<RelayThreadPlan> | Unposted<EdgeThreadPlan>): Promise<void> {
    const { port1: mailbox, port2 } = new MessageChannel();
    const worker = new Worker(threadEntry(`${kind}-thread`), {
      workerData: { ...plan, mailbox: port2 },
      transferList: [port2],
    });
    const ready = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    const name = `${kind} thread ${this.#threads.length + 1}`;
    const { shard } = plan;
    const thread: Thread = { name, shard, worker, mailbox, ready: ready.promise, stopped: stopped.promise, wake: undefined };

    mailbox.on("message", (message: FromThread) => {
      if (message.kind === "lines") return this.#handler.lines(message.lines);
      if (message.kind === "error") return this.#handler.error(message.fields, message.text);
      if (message.kind === "revoke") return this.#revoke(thread, message);
      if (message.kind === "toShard") return this.#passOn(message);
      if (message.kind === "taken") return this.#taken(message.number);
      if (message.kind === "stopped") return stopped.resolve();
      thread.wake = message.wake;
      if (message.wake !== undefined) this.#wake(message.wake); // what was told before is in the mailbox
      ready.resolve();
    });
    worker.on("error", (error: Error) => {
      ready.reject(error);
      this.#died(thread, error.stack ?? error.message);
    });
    worker.on("exit", (code: number) => {
      stopped.resolve();
      this.#died(thread, `exit code ${code}`);
    });
    this.#threads.push({ kind, thread });
    return thread.ready;
  }

  /** Shards speak by way of main: they have little to say, and what main tells them keeps its order with it. */
  #passOn({ shard, message }: Extract<FromThread, { kind: "toShard" }>): void {
    const entry = this.#threads.find((candidate) => candidate.thread.shard === shard);
    if (entry !== undefined) this.#post(entry.thread, { kind: "fromShard", message });
  }

  #taken(number: number): void {
    const untaken = this.#untaken.get(number);
    if (untaken === undefined) return;
    untaken.threads -= 1;
    if (untaken.threads > 0) return;
    this.#untaken.delete(number);
    untaken.resolve();
  }

  #post({ mailbox, wake }: Thread, message: ToThread): void {
    mailbox.postMessage(message);
    if (wake !== undefined) this.#wake(wake);
  }

  #revoke({ mailbox }: Thread, request: Extract<FromThread, { kind: "revoke" }>): void {
    const answer = (done: boolean): void => mailbox.postMessage({ kind: "revoked", number: request.number, done });
    this.#handler.revoke(request.username, request.expiresUnixMs).then(
      (outcome) => answer(outcome === "written"),
      () => answer(false),
    );
  }

  #died({ name }: Pick<Thread, "name">, reason: string): void {
    if (!this.#stopping) this.#handler.failed(`${name}: ${reason}`);
  }
}
