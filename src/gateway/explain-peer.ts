import { lookup } from "node:dns/promises";
import type { Settings } from "../config/schema.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { formatIp, type IpAddress, isIp, parseIp } from "../net/ip.ts";
import { type Judgement, PeerRules } from "../policy/peers.ts";
import { ownAddresses, peerSettings } from "./derive.ts";
import type { Host } from "./host.ts";

/** What the rules say of one peer. */
export interface PeerExplanation extends Judgement {
  /** The peer in its canonical form. */
  readonly peer: string;
}

/**
 * Judges a peer by the settings and this host's addresses, as `icebreaker explain-peer` prints it.
 *
 * Whether it is a live relayed address, which comes before all rules, only the running gateway knows.
 *
 * @param text an IP address, judged as CreatePermission does, or one with a port, judged as ChannelBind does
 * @returns `undefined` if the text is neither
 */
export async function explainPeer(settings: Settings, host: Host, text: string): Promise<PeerExplanation | undefined> {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  const peer = isIp(bare) ? { ip: parseIp(bare) } : addressIn(text);
  if (peer === undefined) return undefined;

  const own = [...ownAddresses(settings, host), ...(await databaseAddresses(settings.database.url.revealText()))];
  const relays = { hasAddress: () => false, isLive: () => false };
  const rules = new PeerRules({ ...peerSettings(settings, own), relays });
  return "port" in peer
    ? { peer: formatAddress(peer), ...rules.judge(peer) }
    : { peer: formatIp(peer.ip), ...rules.judgeIp(peer.ip) };
}

/** Where the database is, for no peer may be there; none for a file, or for a name that does not resolve now. */
export async function databaseAddresses(url: string): Promise<readonly IpAddress[]> {
  if (!url.startsWith("postgres")) return [];
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.flatMap(({ address }) => (isIp(address) ? [parseIp(address)] : []));
}

function addressIn(text: string): ReturnType<typeof parseAddress> | undefined {
  try {
    return parseAddress(text);
  } catch {
    return undefined;
  }
}
