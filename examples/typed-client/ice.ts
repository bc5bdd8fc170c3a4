import createClient from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

/** What the browser needs of a mint: the key stays with the back end, which calls this. */
export type Ice = Pick<components["schemas"]["MintAnswer"], "iceServers" | "ttl">;

/**
 * A client of the API whose every path, field and status the compiler knows.
 *
 * @param api where it is, `https://relay.example.com`
 * @param key an API key, `ibk_…`
 */
export function relayClient(api: string, key: string) {
  return createClient<paths>({ baseUrl: api, headers: { authorization: `Bearer ${key}` } });
}

/**
 * ICE servers for one user of yours.
 *
 * @param user goes into the pair as its label, which makes it theirs alone
 * @throws {Error} with the `code` of the problem, if there are none
 */
export async function iceFor(client: ReturnType<typeof relayClient>, user: string): Promise<Ice> {
  const { data, error } = await client.POST("/v1/credentials", { body: { ttl: 3600, label: user } });
  if (error) throw new Error(`The relay said ${error.code}: ${error.detail}`);
  return { iceServers: data.iceServers, ttl: data.ttl };
}
