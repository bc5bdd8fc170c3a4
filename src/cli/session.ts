import type { Command } from "commander";
import { isConfigured, type LoadedSettings, loadSettings } from "../config/load.ts";
import { mask } from "../config/mask.ts";
import type { Clock } from "../lib/time.ts";
import { openStore } from "../store/open-store.ts";
import { type Store, StoreBusy, StoreMissing } from "../store/store.ts";
import { Failure } from "./failure.ts";
import { type Finding, print } from "./output.ts";
import type { World } from "./world.ts";

const BUSY_TIMEOUT_MS = 5000;

/** One run of the program: what every command needs of the world. */
export class Session {
  readonly world: World;
  /** What the process ends with, unless the command throws. */
  exitCode = 0;

  constructor(world: World) {
    this.world = world;
  }

  /**
   * The configuration that `--config` and the rest of the world lead to.
   *
   * @throws {ConfigError} with all that is wrong with it
   */
  load(command: Command): LoadedSettings {
    const { config } = command.optsWithGlobals<{ config?: string }>();
    const { env, cwd, files } = this.world;
    return loadSettings({ flag: config, env, cwd, files });
  }

  /**
   * Opens the database of the configuration for as long as the work takes.
   *
   * @throws {Failure} if there is none, or it cannot be opened: naming the setting
   */
  async withStore<T>(command: Command, work: (store: Store, loaded: LoadedSettings) => Promise<T>): Promise<T> {
    const loaded = this.load(command);
    for (const warning of loaded.warnings) if (warning !== loaded.yetToCome) this.note(`warning: ${warning}`);
    const store = await open(loaded, this.world.clock);
    try {
      return await work(store, loaded);
    } catch (error) {
      if (error instanceof StoreBusy) throw new Failure("The database is busy with another writer: try again");
      throw error;
    } finally {
      await store.close();
    }
  }

  /** To stdout: a table on a terminal, else or with `--json` JSON. */
  print(finding: Finding, options: { json?: boolean } = {}): void {
    print(this.world.stdout, finding, options.json === true);
  }

  /** A line on stderr, beside what was asked for. */
  note(sentence: string): void {
    this.world.stderr.write(`icebreaker: ${sentence}\n`);
  }
}

async function open(loaded: LoadedSettings, clock: Clock): Promise<Store> {
  const { database, state_dir } = loaded.settings;
  try {
    const now = (): number => clock.now().unixMs;
    return await openStore(database.url.revealText(), {
      stateDir: state_dir,
      create: false,
      busyTimeoutMs: BUSY_TIMEOUT_MS,
      now,
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const from = isConfigured(loaded, "database.url") ? "" : `, the default, and state_dir ${state_dir}`;
    const where = `database.url is ${mask(database.url.revealText())}${from}`;
    if (!(error instanceof StoreMissing)) throw new Failure(`The database cannot be opened: ${error.message} (${where})`);
    throw new Failure(`${error.message} (${where}): only "icebreaker serve" makes a database`);
  }
}
