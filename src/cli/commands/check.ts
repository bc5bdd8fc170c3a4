import type { Command } from "commander";
import { type IceTarget, targetsOf } from "../../client/mint-request.ts";
import { type Trial, tryUrl } from "../../client/trial.ts";
import { Failure, UsageError } from "../failure.ts";
import { authorities, mintTargets } from "../mint-targets.ts";
import { formatTable } from "../output.ts";
import type { Session } from "../session.ts";

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
  return mintTargets(session, command, { url, key, ca, label: "check" });
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
