import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import postgres from "postgres";
import { type Child, runToEnd, startChild } from "./child.ts";
import { freePorts } from "./free-ports.ts";
import { pathOf } from "./needs.ts";
import { asNobody, giveToNobody, mayBecomeOthers } from "./other-user.ts";

const START_MS = 30_000;
/** Nothing here outlives the test, so nothing is waited for until it is on the disk. */
const CARELESS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=50"];
let made = 0;

/** Where databases may be made. */
export interface PostgresDatabases {
  /** Makes an empty database. @returns its URL */
  newDatabase(): Promise<string>;
  /** Ends what was made. */
  stop(): Promise<void>;
}

/** A PostgreSQL server of a test's own. */
export interface PostgresServer extends PostgresDatabases {
  /** Ends the server as a failing host would; its databases stay. */
  goDown(): Promise<void>;
  /** Starts it again at the same place. */
  comeBack(): Promise<void>;
  /** Keeps its connections and answers nothing, as one behind a broken network; false: answers again. */
  freeze(frozen: boolean): Promise<void>;
}

/** Starts an installed PostgreSQL on loopback in a directory that is gone afterwards. */
export async function startPostgres(): Promise<PostgresServer> {
  const binaries = dirname(pathOf("postgres") ?? "");
  const directory = await mkdtemp(join(tmpdir(), "icebreaker-postgres-"));
  const data = join(directory, "data");
  if (mayBecomeOthers) await giveToNobody(directory); // PostgreSQL refuses to run as root
  const shape = ["-U", "icebreaker", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  await succeed(join(binaries, "initdb"), ["-D", data, ...shape]);
  const [port = 0] = await freePorts(1);
  const program = join(binaries, "postgres");
  let server = await serve(program, data, port);

  return {
    newDatabase: () => makeDatabase(`postgres://icebreaker:hunter2@127.0.0.1:${port}/postgres`),
    async goDown() {
      await server.stop("SIGQUIT");
    },
    async comeBack() {
      server = await serve(program, data, port);
    },
    async freeze(frozen) {
      const { pid = 0 } = server.process;
      const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ").map(Number);
      for (const each of [pid, ...children]) process.kill(each, frozen ? "SIGSTOP" : "SIGCONT");
    },
    async stop() {
      await server.stop("SIGQUIT");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A server that is there already, on which we may make databases and drop them. */
export function givenPostgres(url: string): PostgresDatabases {
  const names: string[] = [];
  return {
    async newDatabase() {
      const database = await makeDatabase(url);
      names.push(new URL(database).pathname.slice(1));
      return database;
    },
    async stop() {
      const admin = postgres(url, { max: 1 });
      for (const name of names) await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

async function makeDatabase(server: string): Promise<string> {
  const name = `icebreaker_${process.pid}_${made++}`;
  const admin = postgres(server, { max: 1 });
  await admin.unsafe(`create database ${name} template template0`);
  await admin.end();
  return new URL(`/${name}`, server).href;
}

async function serve(command: string, data: string, port: number): Promise<Child> {
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories=", ...CARELESS];
  const [program, ...args] = unprivileged(command, ["-D", data, ...settings.flatMap((setting) => ["-c", setting])]);
  const child = startChild(program, args, process.env, dirname(data));
  await child.says(/ready to accept connections/, START_MS);
  return child;
}

async function succeed(command: string, args: readonly string[]): Promise<void> {
  const [program, ...rest] = unprivileged(command, args);
  const { code, stdout, stderr } = await runToEnd(program, rest, { cwd: "/" });
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${stdout}\n${stderr}`);
}

function unprivileged(command: string, args: readonly string[]): readonly [string, ...string[]] {
  return mayBecomeOthers ? asNobody(command, ...args) : [command, ...args];
}
