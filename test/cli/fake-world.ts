import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../src/cli/cli.ts";
import type { World } from "../../src/cli/world.ts";
import type { Environment } from "../../src/config/environment.ts";
import { systemFiles } from "../../src/config/files.ts";
import { randomFrom } from "../../src/lib/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { Store } from "../../src/store/store.ts";

/** The moment at which all commands run. */
export const NOW_MS = Date.UTC(2030, 0, 1);

/** What a command printed, and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Stdout as JSON. */
  readonly json: unknown;
}

/** How a run differs from one in a pipe. */
export interface RunOptions {
  readonly env?: Environment;
  readonly terminal?: boolean;
  /** What the person answers; without it there is nobody to ask. */
  readonly answer?: string;
}

/** A directory with nothing but a database in it, and the command line on top. */
export class FakeWorld implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "icebreaker-cli-"));
  /** What was asked of the person. */
  readonly questions: string[] = [];

  /** @returns one whose database is there, as after the first `icebreaker serve` */
  static async withDatabase(): Promise<FakeWorld> {
    const world = new FakeWorld();
    await world.store(async () => {});
    return world;
  }

  /** Works on the database as a gateway would. */
  async store<T>(work: (store: Store) => Promise<T>): Promise<T> {
    const stateDir = join(this.directory, "state");
    const store = await openStore("sqlite:icebreaker.db", { stateDir, create: true, busyTimeoutMs: 1000, now: () => NOW_MS });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  async run(argv: readonly string[], { env = {}, terminal = false, answer }: RunOptions = {}): Promise<Outcome> {
    const stdout: string[] = [];
    const stderr: string[] = [];
    let counter = 0;
    const world: World = {
      env: { STATE_DIRECTORY: join(this.directory, "state"), ...env },
      cwd: this.directory,
      stdout: { isTerminal: terminal, write: (text) => void stdout.push(text) },
      stderr: { isTerminal: terminal, write: (text) => void stderr.push(text) },
      ask: answer === undefined ? undefined : (question) => Promise.resolve(answer).finally(() => this.questions.push(question)),
      files: systemFiles,
      clock: { now: () => ({ monotonicMs: 1_000_000, unixMs: NOW_MS }) },
      random: randomFrom((count) => Uint8Array.from({ length: count }, () => counter++)),
      executable: "/opt/icebreaker",
    };
    const code = await run(argv, world);
    return {
      code,
      stdout: stdout.join(""),
      stderr: stderr.join(""),
      get json(): unknown {
        return JSON.parse(stdout.join(""));
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.directory, { recursive: true });
  }
}
