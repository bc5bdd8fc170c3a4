/**
 * Mints ICE credentials for one user of yours, and returns what the browser needs of them.
 *
 * The key stays here: only `iceServers`, and how long they are good for, go to the browser. The label bounds what one
 * person can do and makes the pair theirs alone, so that it can be revoked without touching anybody else.
 *
 * @param user your own name for the user: up to 128 of `A-Z a-z 0-9 . _ @ -`
 * @param ttl lifetime in seconds
 */
export async function iceFor(user, { api = process.env.RELAY_API, key = process.env.RELAY_KEY, ttl = 3600 } = {}) {
  const response = await fetch(new URL("/v1/credentials", api), {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ ttl, label: user }),
    signal: AbortSignal.timeout(5_000),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`The relay said ${answer.code}: ${answer.detail}`);
  return { iceServers: answer.iceServers, ttl: answer.ttl };
}
