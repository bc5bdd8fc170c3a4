import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Direction } from "./support/load.ts";
import { type Case, CASES, caseOf, type Measure, nameOf, type Run, runCase } from "./support/relay-cases.ts";
import { machine, plotOf, resultOf, type Row, tableOf } from "./support/relay-report.ts";
import { COTURN, type Server, startIcebreaker, startOther } from "./support/servers.ts";
import type { Transport } from "../src/net/address.ts";

/**
 * What relaying costs the executable, alone or in turns with another server: `--against coturn`, or `--against` and a
 * shell command as `startOther` explains it. Without a case's own options the whole table is measured.
 */
const { values } = parseArgs({
  options: {
    against: { type: "string" },
    only: { type: "string" },
    transport: { type: "string" },
    direction: { type: "string" },
    clients: { type: "string" },
    payload: { type: "string" },
    burst: { type: "string" },
    rate: { type: "string" },
    window: { type: "string" },
    gso: { type: "boolean" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    /** Relay threads and edge threads; one of each for a core if not given. */
    workers: { type: "string" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const DOCUMENTS = fileURLToPath(new URL("../docs/performance/", import.meta.url));
/** Rounds before it is measured: a server lives for months, and what it compiles in its first seconds is not what it costs then. */
const WARM_UPS: Readonly<Record<Measure, number>> = { cost: 0, "set-up": 16, memory: 0, p99: 2 };
/** Clients before memory is measured, who make the code be there that all the others need; longer than a start takes. */
const FIRST_CLIENTS = 200;
const FIRST_SECONDS = 5;
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);

const cases = wantedCases();
const progress = (text: string): void => void (process.stderr.isTTY && process.stderr.write(`${text}\n`));
const rows: Row[] = [];
let servers = await startServers();
try {
  for (const row of cases) rows.push(await measure(row));
} finally {
  await stopServers();
}
const results = rows.map(resultOf);
const summary = { machine: machine(), seconds, rounds, against: values.against, results };
process.stdout.write(values.json ? `${JSON.stringify(summary, undefined, 2)}\n` : `${tableOf(results)}\n`);
if (values.write) await write();

/** Rounds in turns, so that what disturbs the machine disturbs both. */
async function measure(row: Case): Promise<Row> {
  const runs = new Map<string, Run[]>(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < WARM_UPS[row.measure]; round++) {
    for (const server of servers) await runCase(row, server, seconds);
  }
  for (let round = 0; round < rounds; round++) {
    // What an allocation weighs is seen once in a process's life: later ones take what earlier ones left.
    if (row.measure === "memory") {
      await restart();
      for (const server of servers) await runCase({ ...row, measure: "cost", clients: FIRST_CLIENTS }, server, FIRST_SECONDS);
    }
    for (const server of servers) {
      const run = await runCase(row, server, seconds);
      runs.get(server.name)?.push(run);
      progress(`${nameOf(row)}: ${server.name} ${Math.round(run.figure)}`);
    }
  }
  return { row, runs };
}

async function restart(): Promise<void> {
  await stopServers();
  servers = await startServers();
}

async function startServers(): Promise<readonly Server[]> {
  const ours = await startIcebreaker(values.workers === undefined ? undefined : Number(values.workers));
  const { against } = values;
  if (against === undefined) return [ours];
  return [ours, await (against === "coturn" ? startOther("coturn", COTURN) : startOther("other", against))];
}

/** All of them, also if one has died meanwhile; then that is what is said. */
async function stopServers(): Promise<void> {
  const ends = await Promise.allSettled(servers.map((server) => server.stop()));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

function wantedCases(): readonly Case[] {
  const { transport, direction, clients, payload, burst, rate, window, gso, only } = values;
  const own = [transport, direction, clients, payload, burst, rate, window, gso].some((value) => value !== undefined);
  if (!own) return CASES.filter((row) => only === undefined || nameOf(row).includes(only));
  return [
    caseOf({
      ...(transport === undefined ? {} : { transport: oneOf<Transport>(transport, ["udp", "tcp", "tls"]) }),
      ...(direction === undefined ? {} : { direction: oneOf<Direction>(direction, ["to-peer", "to-client", "echo"]) }),
      ...(clients === undefined ? {} : { clients: Number(clients) }),
      ...(payload === undefined ? {} : { payload: Number(payload) }),
      ...(burst === undefined ? {} : { burst: Number(burst) }),
      ...(rate === undefined ? {} : { rate: Number(rate) }),
      ...(window === undefined ? {} : { window: Number(window) }),
      ...(gso === undefined ? {} : { segmentation: gso }),
    }),
  ];
}

function oneOf<Word extends string>(text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found === undefined) throw new RangeError(`"${text}" is none of ${words.join(", ")}`);
  return found;
}

/** `docs/performance/relay-load.md`, `.svg` and `.json`. */
async function write(): Promise<void> {
  await mkdir(DOCUMENTS, { recursive: true });
  const title = `CPU of icebreaker as a share of ${values.against === "coturn" ? "coturn's" : "the other's"}; the mark is the goal`;
  const text = [
    "# What relaying costs",
    "",
    `Measured by \`npm run bench -- relay-load${values.against === undefined ? "" : ` --against ${values.against}`} --write\` on ${summary.machine}:`,
    `medians of ${rounds} alternating rounds of ${seconds} s. Costs are CPU nanoseconds of the whole server process for each`,
    "datagram that arrived, as the kernel accounts for them; an Allocate is one of a server that has made 32,000 before,",
    "and an allocation's memory that of one in a server that has had 200 clients before.",
    "[The log](log.md) says what was tried to lower them.",
    "",
    tableOf(results),
    "",
    ...(values.against === undefined ? [] : ["![The ratios of the table](relay-load.svg)", ""]),
  ];
  await writeFile(join(DOCUMENTS, "relay-load.md"), text.join("\n"));
  await writeFile(join(DOCUMENTS, "relay-load.json"), `${JSON.stringify(summary, undefined, 2)}\n`);
  if (values.against !== undefined) await writeFile(join(DOCUMENTS, "relay-load.svg"), plotOf(results, title));
}
