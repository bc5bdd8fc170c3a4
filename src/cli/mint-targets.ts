import type { Command } from "commander";
import { type IceTarget, plainBase, requestMint, targetsOf } from "../client/mint-request.ts";
import { whyUnreadable } from "../config/files.ts";
import { credentialKey, mint } from "../credentials/credential.ts";
import { mintAnswer } from "../credentials/ice-servers.ts";
import { allows } from "../directory/regions.ts";
import { Failure, UsageError } from "./failure.ts";
import { regionsOf } from "./regions.ts";
import type { Session } from "./session.ts";

const CREDENTIAL_SECONDS = 300;
const CLOCK_TOLERANCE_MS = 30_000;

/** Where to mint, and what. */
export interface MintWishes {
  /** The base URL of an API; else this configuration's own gateway. */
  readonly url: string | undefined;
  /** An API key; else the mint is made from the database. */
  readonly key: string | undefined;
  /** Certificate authorities as PEM, instead of the system's. */
  readonly ca: string | undefined;
  /** Of a mint from the database. */
  readonly label?: string | undefined;
}

/** Mints as a back end would, and says so if this machine's clock is wrong. @throws {Failure} if no gateway is there */
export async function mintTargets(
  session: Session,
  command: Command,
  { url, key, ca, label }: MintWishes,
): Promise<readonly IceTarget[]> {
  if (key === undefined) return mintFromDatabase(session, command, label);
  const base = url ?? localBase(session, command);
  if (!URL.canParse(base)) throw new UsageError(`--url is "${base}", neither a base URL nor a stun:, turn: or turns: URL`);
  const { targets, aheadMs = 0 } = await requestMint({ base, key, ca, nowUnixMs: session.world.clock.now().unixMs });
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS) {
    const seconds = `${Math.round(Math.abs(aheadMs) / 1000)} seconds ${aheadMs > 0 ? "behind" : "ahead of"}`;
    session.note(`warning: this machine's clock is ${seconds} the gateway's: credentials expire by the gateway's`);
  }
  return targets;
}

/** What `--ca` names. @throws {Failure} if it cannot be read */
export function authorities(session: Session, path: string): string {
  try {
    return session.world.files.read(path);
  } catch (error) {
    throw new Failure(`--ca: ${path} ${whyUnreadable(session.world.files, path, error)}`);
  }
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
function mintFromDatabase(session: Session, command: Command, label: string | undefined): Promise<readonly IceTarget[]> {
  return session.withStore(command, async (store, { settings }) => {
    const { clock } = session.world;
    const regions = await regionsOf(store, clock);
    for (const project of await store.projects()) {
      const region = allows(project, settings.region) ? settings.region : regions.defaultFor(project);
      const where = regions.endpoints(region);
      if (where === undefined) continue;
      const pair = mint(credentialKey(project, region), { ttl: CREDENTIAL_SECONDS, label }, clock.now());
      return mintAnswer(pair, region, where).iceServers.flatMap((server) => targetsOf({ ...server }));
    }
    throw new Failure("No gateway of this database is running: start one, or give --url and --key");
  });
}
