import type { Selectable } from "kysely";
import type { Endpoints } from "../credentials/endpoints.ts";
import { fromHex } from "../lib/bytes.ts";
import { Secret } from "../lib/secret.ts";
import type { Schema } from "./schema.ts";
import type { ApiKey, Gateway, Project, Revocation } from "./store.ts";

/** A row of `projects` as a value. */
export function projectOf({ id, name, regions, secret }: Selectable<Schema["projects"]>): Project {
  const slugs: readonly string[] = JSON.parse(regions);
  return { id, name, regions: slugs, secret: new Secret(fromHex(secret)) };
}

/** A row of `api_keys` as a value. */
export function apiKeyOf({ id, project, name, hash, created_ms }: Selectable<Schema["api_keys"]>): ApiKey {
  return { id, project, name: name ?? undefined, hash, createdUnixMs: created_ms };
}

/** A row of `revocations` as a value. */
export function revocationOf({ username, expires_ms }: Selectable<Schema["revocations"]>): Revocation {
  return { username, expiresUnixMs: expires_ms };
}

/** A row of `gateways` as a value. */
export function gatewayOf({ id, region, endpoints, draining, heartbeat_ms }: Selectable<Schema["gateways"]>): Gateway {
  const where: Endpoints = JSON.parse(endpoints);
  return { id, region, endpoints: where, draining: draining === 1, heartbeatUnixMs: heartbeat_ms };
}
