import { lookup } from "node:dns/promises";
import { isIp } from "../net/ip.ts";

/**
 * Whether clients can look up the host in our URLs: a warning and no failure, for a gateway may start before its name does.
 *
 * @returns a sentence that names the setting, or `undefined` if all is well
 */
export async function unresolved(hostname: string | undefined): Promise<string | undefined> {
  if (hostname === undefined || isIp(hostname)) return undefined;
  try {
    await lookup(hostname);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? `${error.code}` : `${error}`;
    return `hostname: ${hostname} does not resolve here (${code}): clients that look it up will not find this gateway`;
  }
}
