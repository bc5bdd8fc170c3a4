import { type Command, InvalidArgumentError, Option } from "commander";
import { type IceUrl, parseIceUrl } from "../../client/ice-url.ts";
import { type LoadReport, loadServer } from "../../client/load.ts";
import type { IceTarget } from "../../client/mint-request.ts";
import { Failure } from "../failure.ts";
import { authorities, mintTargets } from "../mint-targets.ts";
import type { Session } from "../session.ts";

/** Beyond this one client machine, not the gateway, is what is measured. */
const MAX_ALLOCATIONS = 10_000;
/** A permission ends after 300 (RFC 8656 §9), and none is refreshed. */
const MAX_SECONDS = 240;

interface Options {
  readonly url?: string;
  readonly key?: string;
  readonly allocations: number;
  readonly transport: IceUrl["transport"];
  readonly seconds: number;
  readonly ca?: string;
  readonly at?: string;
  readonly json?: boolean;
}

/** A relay that was minted, and where it is. */
interface Relay {
  readonly text: string;
  readonly url: IceUrl;
  readonly credentials: NonNullable<IceTarget["credentials"]>;
}

/** `icebreaker bench`: a load on a gateway one owns. */
export function benchCommand(program: Command, session: Session): void {
  program
    .command("bench")
    .description(
      "load a gateway of one's own: allocations that each send to themselves through the relay, as fast as it comes back",
    )
    .option("--url <base>", "the API to mint at (https://…); else this machine's gateway")
    .option("--key <key>", "the API key to mint with; else the mint is made from the database")
    .option("--allocations <n>", "how many at a time", wholeNumber(MAX_ALLOCATIONS), 10)
    .addOption(new Option("--transport <t>", "how clients reach the gateway").choices(["udp", "tcp", "tls"]).default("udp"))
    .option("--seconds <s>", "how long", wholeNumber(MAX_SECONDS), 10)
    .option("--ca <file>", "PEM of certificate authorities to trust instead of the system's")
    .option("--at <address>", "the IP address to go to instead of what the URL's host resolves to")
    .option("--json", "print JSON, on a terminal too")
    .action((options: Options, command: Command) => bench(session, options, command));
}

async function bench(session: Session, options: Options, command: Command): Promise<void> {
  const { url: base, key, transport, allocations, seconds, at } = options;
  if (base !== undefined && key === undefined) {
    throw new Failure("--url needs --key: a load is for a gateway of your own, and its API key shows that it is yours");
  }
  if (base !== undefined && !/^https?:/i.test(base)) {
    throw new Failure(`--url is "${base}": a load is for a gateway of your own, by the base URL of its API`);
  }
  const ca = options.ca === undefined ? undefined : authorities(session, options.ca);
  const targets = await mintTargets(session, command, { url: base, key, ca });
  const { text, url, credentials } = chosen(targets, transport);
  if (session.world.stderr.isTerminal) session.note(`${allocations} allocations at ${text}, for ${seconds} s …`);

  // Of this machine's own gateway the certificate may be anybody's.
  const report = await loadServer({ url, at, ca, verify: base !== undefined, credentials, allocations, seconds });
  session.print({ json: { url: text, transport, ...report }, table: tableOf(text, report) }, options);
  if (report.received === 0) session.exitCode = 1;
}

/** The relay of a mint that is reached over a transport. */
function chosen(targets: readonly IceTarget[], transport: IceUrl["transport"]): Relay {
  for (const { url: text, credentials } of targets) {
    const url = parseIceUrl(text);
    if (url.relay && url.transport === transport && credentials !== undefined) return { text, url, credentials };
  }
  throw new Failure(`The gateway offers no relay over ${transport.toUpperCase()}`);
}

function tableOf(url: string, report: LoadReport): { columns: readonly string[]; rows: readonly (readonly string[])[] } {
  const { roundTripMs, packetsPerSecond, payloadOctets } = report;
  const ms = (time: number | undefined): string => (time === undefined ? "" : `${time.toFixed(2)} ms`);
  const megabits = (packetsPerSecond * payloadOctets * 8) / 1e6;
  return {
    columns: ["", url],
    rows: [
      ["allocations", `${report.allocations}, set up in ${(report.setUpMs / 1000).toFixed(2)} s`],
      ["packets per second", `${Math.round(packetsPerSecond)} there and back (${megabits.toFixed(1)} Mbit/s each way)`],
      ["lost", `${report.lossPercent.toFixed(2)} % of ${report.sent}`],
      ["round trip, 50 %", ms(roundTripMs?.p50)],
      ["round trip, 90 %", ms(roundTripMs?.p90)],
      ["round trip, 99 %", ms(roundTripMs?.p99)],
      ["round trip, longest", ms(roundTripMs?.max)],
    ],
  };
}

/** Reads a whole number from 1 to `most`. */
function wholeNumber(most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
    throw new InvalidArgumentError(`It is a whole number from 1 to ${most}.`);
  };
}
