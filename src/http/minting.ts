import { type Credential, mint } from "../credentials/credential.ts";
import type { CredentialKeys } from "../credentials/credential-keys.ts";
import type { Endpoints } from "../credentials/endpoints.ts";
import { allows } from "../directory/regions.ts";
import type { Caller, Project } from "./caller.ts";
import { Problem } from "./problem.ts";
import type { Services } from "./services.ts";

const RETRY_SECONDS = "5"; // a gateway that comes up has announced itself by then

/** Headers of every answer that carries a credential. */
export const secretive = { "cache-control": "no-store", "referrer-policy": "no-referrer" } as const;

/** @throws {Problem} when the caller minted too often */
export function countMint({ mints, clock }: Services, { meter }: Caller): void {
  const wait = mints.take(meter, clock.now());
  if (wait > 0) throw new Problem("rate_limited", "Too many credentials with this key", { "retry-after": `${wait}` });
}

/** @throws {Problem} unless the region exists, is enabled on the project and is served */
export function endpointsOf({ regions }: Services, project: Project, region: string): Endpoints {
  if (!regions.has(region)) throw new Problem("unknown_region", `There is no region "${region.slice(0, 64)}"`);
  if (!allows(project, region)) throw new Problem("region_not_enabled", `"${region}" is not enabled on this project`);
  const endpoints = regions.endpoints(region);
  if (!endpoints) throw unavailable(`No gateway serves "${region}" now`);
  return endpoints;
}

/** What was asked for, nobody offers now. */
export function unavailable(detail: string): Problem {
  return new Problem("region_unavailable", detail, { "retry-after": RETRY_SECONDS });
}

/** What to mint. */
export interface Wish {
  readonly project: Project;
  readonly region: string;
  /** Seconds, checked. */
  readonly ttl: number;
  readonly label?: string | undefined;
}

/** Mints a pair for a project in a region. */
export function mintFor({ clock }: Services, keys: CredentialKeys, { project, region, ttl, label }: Wish): Credential {
  return mint(keys.of(project, region), { ttl, label }, clock.now());
}
