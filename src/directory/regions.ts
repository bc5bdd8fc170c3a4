import type { Endpoints } from "../credentials/endpoints.ts";
import type { Instant } from "../lib/time.ts";
import type { Gateway, Project } from "../store/store.ts";

/** A region as the API lists it. */
export interface Region {
  readonly slug: string;
  readonly location: string;
  /** Whether a gateway serves it now. */
  readonly available: boolean;
}

/** This gateway among the others. */
export interface OwnGateway {
  readonly id: string;
  readonly region: string;
  /** `undefined` while it drains: no more credentials that name it. */
  readonly endpoints: Endpoints | undefined;
}

/** The regions that are always there, with their locations. */
const catalogue: ReadonlyMap<string, string> = new Map([
  ["us-east", "United States — East"],
  ["us-west", "United States — West"],
  ["eu-central", "European Union — Frankfurt"],
  ["eu-west", "European Union — Ireland"],
  ["uk-london", "United Kingdom — London"],
  ["in-mumbai", "India — Mumbai"],
  ["ap-singapore", "Singapore"],
  ["ap-sydney", "Australia — Sydney"],
]);

/** A gateway that was not heard of for so long is not live. */
export const LIVE_MS = 10_000;

/** Whether a region is enabled on a project; without any, every region is. */
export function allows({ regions }: Pick<Project, "regions">, slug: string): boolean {
  return regions.length === 0 || regions.includes(slug);
}

/**
 * Which regions there are, and which gateways serve them.
 *
 * A gateway is live while its heartbeat changes. When it changed is measured by our own clock, for the clocks of two
 * hosts may differ; only at first sight must the heartbeat's own time do. A database that cannot be asked leaves
 * everything as it was last seen.
 */
export class Regions {
  #own: OwnGateway | undefined;
  readonly #extra = new Set<string>();
  #heartbeats = new Map<string, { readonly unixMs: number; readonly seenMs: number }>();
  #live = new Map<string, Endpoints[]>();
  #turn = 0;

  /** @param own this gateway, which is live whatever the database says; `undefined` in a command */
  constructor(own: OwnGateway | undefined) {
    this.#own = own;
    if (own) this.#learn(own.region);
  }

  /** Other endpoints of ours, or none while we drain. */
  setOwn(endpoints: Endpoints | undefined): void {
    if (this.#own) this.#own = { ...this.#own, endpoints };
  }

  /** Takes in the rows of all gateways, the stale ones too: their regions exist although nobody serves them. */
  setGateways(gateways: readonly Gateway[], now: Instant): void {
    const heartbeats = new Map<string, { unixMs: number; seenMs: number }>();
    const live = new Map<string, Endpoints[]>();
    for (const { id, region, endpoints, draining, heartbeatUnixMs: unixMs } of gateways) {
      this.#learn(region);
      const before = this.#heartbeats.get(id);
      const firstSeenMs = now.monotonicMs - Math.max(0, now.unixMs - unixMs);
      const seenMs = before === undefined ? firstSeenMs : before.unixMs === unixMs ? before.seenMs : now.monotonicMs;
      heartbeats.set(id, { unixMs, seenMs });
      if (id === this.#own?.id || draining || now.monotonicMs - seenMs > LIVE_MS) continue;
      live.set(region, [...(live.get(region) ?? []), endpoints]);
    }
    this.#heartbeats = heartbeats;
    this.#live = live;
  }

  /** Whether there is such a region, served or not. */
  has(slug: string): boolean {
    return catalogue.has(slug) || this.#extra.has(slug);
  }

  /** Where clients reach a live gateway of a region, our own first, else the others in turn; `undefined` if there is none. */
  endpoints(slug: string): Endpoints | undefined {
    if (slug === this.#own?.region && this.#own.endpoints) return this.#own.endpoints;
    const live = this.#live.get(slug) ?? [];
    return live[this.#turn++ % live.length];
  }

  /** Every live gateway of a region but our own. */
  others(slug: string): readonly Endpoints[] {
    return this.#live.get(slug) ?? [];
  }

  /** The region of a credential that asks for none: our own if it is enabled, else the first enabled that is live. */
  defaultFor(project: Pick<Project, "regions">): string {
    const own = this.#own?.region;
    if (own !== undefined && allows(project, own)) return own;
    const enabled = project.regions.length > 0 ? project.regions : [...catalogue.keys(), ...this.#extra];
    return enabled.find((slug) => this.#isServed(slug)) ?? enabled[0] ?? "us-east";
  }

  /** Every region: those of the catalogue, then those of this deployment. */
  list(): Region[] {
    const extra = [...this.#extra].sort().map((slug): [string, string] => [slug, slug]);
    return [...catalogue, ...extra].map(([slug, location]) => ({ slug, location, available: this.#isServed(slug) }));
  }

  #isServed(slug: string): boolean {
    return this.#live.has(slug) || (slug === this.#own?.region && this.#own.endpoints !== undefined);
  }

  #learn(slug: string): void {
    if (!catalogue.has(slug)) this.#extra.add(slug);
  }
}
