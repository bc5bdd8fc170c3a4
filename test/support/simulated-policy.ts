import type { Authority, KnownUsername } from "../../src/credentials/authority.ts";
import { Secret } from "../../src/lib/secret.ts";
import type { TransportAddress } from "../../src/net/address.ts";
import { formatIp, type IpAddress } from "../../src/net/ip.ts";
import type { Judgement, PeerPolicy } from "../../src/policy/peers.ts";
import type { ReplyBudget } from "../../src/policy/rate.ts";

/** The password of a username in a simulation. */
export function passwordOf(username: string): string {
  return `password of ${username}`;
}

/** Knows every username `<unix-expiry>:<project>[:<label>]` of a project that it was not told to forget. */
export class SimulatedAuthority implements Authority {
  readonly revoked = new Set<string>();
  readonly deleted = new Set<string>();

  judge(username: string): KnownUsername | undefined {
    const [, expiry, project, label] = /^(\d+):(project_\w+)(?::(\w+))?$/.exec(username) ?? [];
    if (expiry === undefined || project === undefined) return undefined;
    if (this.revoked.has(username) || this.deleted.has(project)) return undefined;
    return { project, label, password: new Secret(passwordOf(username)), expiresUnixMs: Number(expiry) * 1000 };
  }
}

/** Denies a list of IP addresses, and port 0. */
export class SimulatedPeers implements PeerPolicy {
  readonly denied = new Set<string>();

  judgeIp(ip: IpAddress): Judgement {
    const text = formatIp(ip);
    return this.denied.has(text) ? { allowed: false, rule: `denied ${text}` } : { allowed: true, rule: "allowed" };
  }

  judge({ ip, port }: TransportAddress): Judgement {
    return port === 0 ? { allowed: false, rule: "port 0" } : this.judgeIp(ip);
  }
}

/** Replies to strangers until there are none left. */
export class SimulatedBudget implements ReplyBudget {
  left = Infinity;
  asked = 0;

  allows(): boolean {
    this.asked++;
    if (this.left <= 0) return false;
    this.left--;
    return true;
  }
}
