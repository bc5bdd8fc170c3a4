import type { Command } from "commander";
import { whyUnreadable } from "../../config/files.ts";
import { type IceTarget, plainBase, requestMint, targetsOf } from "../../client/mint-request.ts";
import { type Trial, tryUrl } from "../../client/trial.ts";
import { credentialKey, mint } from "../../credentials/credential.ts";
import { mintAnswer } from "../../credentials/ice-servers.ts";
import { allows } from "../../directory/regions.ts";
import { Failure, UsageError } from "../failure.ts";
import { formatTable } from "../output.ts";
import { regionsOf } from "../regions.ts";
import type { Session } from "../session.ts";

const CREDENTIAL_SECONDS = 300;
const CLOCK_TOLERANCE_MS = 30_000;

interface Options {
  readonly url?: string;
  readonly key?: string;
  readonly username?: string;
  readonly credential?: string;
  readonly ca?: string;
  readonly at?: string;
  readonly json?: boolean;
}

/** `icebreaker check`: every URL that a mint returns, used as a browser would. */
export function checkCommand(program: Command, session: Session): void {
  program
    .command("check")
    .description("mint, then use every returned URL for real: binding, allocation, a packet there and back, the certificate")
    .option("--url <base>", "the API to mint at (https://…), or one stun:, turn: or turns: URL; else this machine's gateway")
    .option("--key <key>", "the API key to mint with; else the mint is made from the database")
    .option("--username <text>", "for a turn: or turns: URL")
    .option("--credential <text>", "for a turn: or turns: URL")
    .option("--ca <file>", "PEM of certificate authorities to trust instead of the system's")
    .option("--at <address>", "the IP address to go to instead of what the URLs' host resolves to")
    .option("--json", "print JSON, on a terminal too")
    .action((options: Options, command: Command) => check(session, options, command));
}

async function check(session: Session, options: Options, command: Command): Promise<void> {
  const ca = options.ca === undefined ? undefined : authorities(session, options.ca);
  const targets = await targetsFor(session, options, command, ca);
  if (targets.length === 0) throw new Failure("There is no URL to check: every listener is off");
  if (session.world.stderr.isTerminal) session.note(`checking ${targets.length} URL${targets.length === 1 ? "" : "s"} …`);

  const { unixMs: nowUnixMs } = session.world.clock.now();
  const trials = await Promise.all(
    targets.map(({ url, credentials }) => tryUrl(url, { credentials, ca, verify: true, at: options.at, nowUnixMs })),
  );
  session.print({ json: trials, table: reportOf(trials) }, options);
  if (trials.some(({ problem }) => problem !== undefined)) session.exitCode = 1;
}

function authorities(session: Session, path: string): string {
  try {
    return session.world.files.read(path);
  } catch (error) {
    throw new Failure(`--ca: ${path} ${whyUnreadable(session.world.files, path, error)}`);
  }
}

/** What to check, by what was given. */
async function targetsFor(
  session: Session,
  { url, key, username, credential }: Options,
  command: Command,
  ca: string | undefined,
): Promise<readonly IceTarget[]> {
  if ((username === undefined) !== (credential === undefined)) throw new UsageError("--username and --credential go together");
  if (url !== undefined && /^(stun|turn)s?:/i.test(url)) return targetsOf({ urls: url, username, credential });
  if (username !== undefined) throw new UsageError("--username and --credential go with a turn: or turns: URL alone");
  if (url !== undefined && key === undefined) throw new UsageError("--url needs --key, the API key to mint with");
  if (key === undefined) return mintFromDatabase(session, command);
  const base = url ?? localBase(session, command);
  if (!URL.canParse(base)) throw new UsageError(`--url is "${base}", neither a base URL nor a stun:, turn: or turns: URL`);
  const { targets, aheadMs = 0 } = await requestMint({ base, key, ca, nowUnixMs: session.world.clock.now().unixMs });
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS) {
    const seconds = `${Math.round(Math.abs(aheadMs) / 1000)} seconds ${aheadMs > 0 ? "behind" : "ahead of"}`;
    session.note(`warning: this machine's clock is ${seconds} the gateway's: credentials expire by the gateway's`);
  }
  return targets;
}

/** The API of this configuration's own gateway. */
function localBase(session: Session, command: Command): string {
  const { listen, hostname } = session.load(command).settings;
  const [plain] = listen.http;
  if (plain !== undefined) return plainBase(plain);
  const [secure] = listen.tls;
  if (secure === undefined || hostname === undefined)
    throw new Failure("Neither listen.http nor listen.tls with a hostname is set");
  return `https://${hostname.includes(":") ? `[${hostname}]` : hostname}:${secure.port}`;
}

/** The pair that a gateway on this database would mint, in this configuration's region if that is served. */
function mintFromDatabase(session: Session, command: Command): Promise<readonly IceTarget[]> {
  return session.withStore(command, async (store, { settings }) => {
    const { clock } = session.world;
    const regions = await regionsOf(store, clock);
    for (const project of await store.projects()) {
      const region = allows(project, settings.region) ? settings.region : regions.defaultFor(project);
      const where = regions.endpoints(region);
      if (where === undefined) continue;
      const pair = mint(credentialKey(project, region), { ttl: CREDENTIAL_SECONDS, label: "check" }, clock.now());
      return mintAnswer(pair, region, where).iceServers.flatMap((server) => targetsOf({ ...server }));
    }
    throw new Failure("No gateway of this database is running: start one, or give --url and --key");
  });
}

/** A table that a terminal has room for, and below it what is wrong, and what is seen from outside. */
function reportOf(trials: readonly Trial[]): string {
  const ms = (time: number | undefined): string => (time === undefined ? "" : `${time.toFixed(1)} ms`);
  const rows = trials.map((trial) => [
    trial.url,
    trial.problem === undefined ? "ok" : "FAILED",
    ms(trial.connectMs),
    ms(trial.bindingMs),
    ms(trial.allocateMs),
    ms(trial.roundTripMs),
  ]);
  const columns = ["url", "result", "connect", "binding", "allocate", "round trip"];
  const wrong = trials.flatMap(({ url, problem }) => (problem === undefined ? [] : [`${url}: ${problem}`]));
  const facts = [
    listed(
      "Seen as",
      trials.map(({ mappedAddress }) => mappedAddress),
    ),
    listed(
      "Relayed as",
      trials.map(({ relayedAddress }) => relayedAddress),
    ),
    listed("Certificate", trials.map(chainOf)),
  ];
  const blocks = [formatTable({ columns, rows }).trimEnd(), wrong.join("\n"), facts.filter((fact) => fact !== "").join("\n")];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function listed(name: string, values: readonly (string | undefined)[]): string {
  const known = [...new Set(values.filter((value) => value !== undefined && value !== ""))];
  return known.length === 0 ? "" : `${name} ${known.join(", ")}`;
}

/** The served chain, the server's own first, with its last days. */
function chainOf({ chain = [] }: Trial): string {
  return chain
    .map(({ subject, notAfter }) => `${subject.replaceAll("\n", ", ")} until ${notAfter.slice(0, 10)}`)
    .join(", signed by ");
}
