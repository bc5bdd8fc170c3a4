import { existsSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Settings } from "../config/schema.ts";
import { makeApiKey } from "../credentials/api-key.ts";
import { randomFrom } from "../lib/random.ts";
import { openStore, sqlitePath, withoutPassword } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";
import { StartFailure, writeSecret } from "./state-directory.ts";

/** How long main may stand still for another writer: what is busy is tried again in the next second. */
const BUSY_TIMEOUT_MS = 50;

/** An API key that is shown once. */
export interface FirstKey {
  readonly id: string;
  readonly key: string;
  readonly project: string;
}

/** The database, and the first key if it was made just now. */
export interface OpenedDatabase {
  readonly store: Store;
  readonly firstKey: FirstKey | undefined;
}

/**
 * Opens the database; a SQLite file that is not there is made, with a first project and a key.
 *
 * @throws {StartFailure} if that cannot be done, naming the setting
 */
export async function openDatabase({ database, state_dir }: Settings): Promise<OpenedDatabase> {
  const url = database.url.revealText();
  const path = sqlitePath(url, state_dir);
  const isNew = path !== undefined && !existsSync(path);
  let store: Store;
  try {
    store = await openStore(url, { stateDir: state_dir, create: true, busyTimeoutMs: BUSY_TIMEOUT_MS });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartFailure(`database.url: ${withoutPassword(url)} cannot be opened: ${reason}`);
  }
  return { store, firstKey: isNew ? await firstProject(store) : undefined };
}

async function firstProject(store: Store): Promise<FirstKey> {
  const project = await store.createProject({ name: "first", regions: [] });
  const { text, hash } = makeApiKey(randomFrom(randomBytes));
  const { id } = await store.createKey({ project: project.id, name: "first", hash });
  return { id, key: text.revealText(), project: project.id };
}

/** Where a first key is shown. */
export interface KeyOutlet {
  /** systemd reads our stdout: a key must not end in the journal. */
  readonly isJournal: boolean;
  readonly isTerminal: boolean;
  write(text: string): void;
}

/** Shows the first key once: on stdout, or under systemd in a file that only we may read. */
export async function showFirstKey(key: FirstKey, stateDirectory: string, outlet: KeyOutlet): Promise<void> {
  if (outlet.isJournal) {
    const path = join(stateDirectory, "first-key");
    await writeSecret(path, `${key.key}\n`);
    outlet.write(`The first project is ${key.project}; its API key is in ${path}\n`);
  } else if (outlet.isTerminal) {
    outlet.write(`The first project is ${key.project}. Its API key, shown this once:\n\n    ${key.key}\n\n`);
  } else {
    outlet.write(`${JSON.stringify(key)}\n`);
  }
}
