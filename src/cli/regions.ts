import type { Settings } from "../config/schema.ts";
import { Regions } from "../directory/regions.ts";
import { nearest } from "../lib/nearest.ts";
import type { Clock } from "../lib/time.ts";
import type { Store } from "../store/store.ts";
import { UsageError } from "./failure.ts";

const DAY_MS = 86_400_000; // as long as the rows of gateways that went away count

/** The regions, and who serves them, as the database says; `own` is not known to be alive. */
export async function regionsOf(store: Store, clock: Clock): Promise<Regions> {
  const regions = new Regions(undefined);
  const now = clock.now();
  regions.setGateways(await store.gateways(now.unixMs - DAY_MS), now);
  return regions;
}

/** The slugs of all regions: the catalogue's, those that gateways of this deployment serve, and this configuration's. */
export async function knownRegions(store: Store, { region }: Settings, clock: Clock): Promise<readonly string[]> {
  const regions = await regionsOf(store, clock);
  return [...new Set([...regions.list().map(({ slug }) => slug), region])];
}

/**
 * The slugs as given, each once.
 *
 * @throws {UsageError} for one that is none, naming the nearest
 */
export function checkRegions(slugs: readonly string[], known: readonly string[]): readonly string[] {
  for (const slug of slugs) {
    if (known.includes(slug)) continue;
    const meant = nearest(slug, known);
    const hint = meant === undefined ? `there are ${known.join(", ")}` : `did you mean ${meant}?`;
    throw new UsageError(`There is no region "${slug}": ${hint}`);
  }
  return [...new Set(slugs)];
}
