import type { Command } from "commander";
import type { Settings } from "../../config/schema.ts";
import { credentialKey, isLabel, mint } from "../../credentials/credential.ts";
import { mintAnswer } from "../../credentials/ice-servers.ts";
import { allows, Regions } from "../../directory/regions.ts";
import { endpoints, publicName, relayAddresses } from "../../gateway/derive.ts";
import { lookAtHost } from "../../gateway/host.ts";
import type { Clock } from "../../lib/time.ts";
import type { Project, Store } from "../../store/store.ts";
import { Failure, UsageError } from "../failure.ts";
import { checkRegions, regionsOf } from "../regions.ts";
import type { Session } from "../session.ts";
import { projectOf } from "./project.ts";

interface Options {
  readonly ttl?: string;
  readonly region?: string;
  readonly label?: string;
}

/** `icebreaker mint PROJECT`: what `POST /v1/credentials` answers, from the database alone. */
export function mintCommand(program: Command, session: Session): void {
  program
    .command("mint")
    .description("mint a credential without a server: the JSON of POST /v1/credentials")
    .argument("<project>", "project_…")
    .option("--ttl <seconds>", "its lifetime; else credentials.default_ttl")
    .option("--region <slug>", "where it counts; else this gateway's own, if the project has it")
    .option("--label <text>", "whom it is for: letters, digits and . _ @ -")
    .option("--json", "print JSON, as it does anyway")
    .action((project: string, options: Options, command: Command) => mintFor(session, project, options, command));
}

async function mintFor(session: Session, id: string, options: Options, command: Command): Promise<void> {
  const { clock, stdout } = session.world;
  await session.withStore(command, async (store, { settings }) => {
    const ttl = ttlOf(options.ttl, settings);
    checkLabel(options.label);
    const project = await projectOf(store, id);
    const regions = await servedRegions(store, settings, clock);
    const region = regionFor(project, options.region, regions, settings);
    const where = regions.endpoints(region);
    if (!where) throw new Failure(`No gateway serves the region "${region}" now`);

    const pair = mint(credentialKey(project, region), { ttl, label: options.label }, clock.now());
    const answer = mintAnswer(pair, region, where);
    stdout.write(`${JSON.stringify(answer, undefined, stdout.isTerminal ? 2 : undefined)}\n`);
  });
}

/** Live gateways, else what this configuration says of the one that is to come. */
async function servedRegions(store: Store, settings: Settings, clock: Clock): Promise<Regions> {
  const regions = await regionsOf(store, clock);
  if (regions.list().some(({ available }) => available)) return regions;
  const hostname = settings.hostname ?? publicName(settings, relayAddresses(settings, await lookAtHost()));
  return new Regions({ id: "", region: settings.region, endpoints: endpoints(settings, hostname, settings.listen) });
}

function regionFor(project: Project, asked: string | undefined, regions: Regions, { region: own }: Settings): string {
  const list = regions.list();
  const [region = own] = checkRegions(asked === undefined ? [] : [asked], [...list.map(({ slug }) => slug), own]);
  if (asked === undefined) {
    const served = list.some(({ slug, available }) => slug === own && available);
    return served && allows(project, own) ? own : regions.defaultFor(project);
  }
  if (!allows(project, region))
    throw new Failure(`"${region}" is not enabled on ${project.id}, which has ${project.regions.join(", ")}`);
  return region;
}

function ttlOf(text: string | undefined, { credentials }: Settings): number {
  const { default_ttl, max_ttl } = credentials;
  if (text === undefined) return default_ttl;
  const ttl = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (ttl < 1 || ttl > max_ttl) {
    throw new UsageError(`--ttl is "${text}", not a whole number of seconds from 1 to ${max_ttl}, which is credentials.max_ttl`);
  }
  return ttl;
}

function checkLabel(label: string | undefined): void {
  if (label === undefined || isLabel(label)) return;
  throw new UsageError(`--label is "${label}", not 1 to 128 letters, digits, dots, underscores, @ and dashes`);
}
