import type { TransportAddress } from "../net/address.ts";
import { type Cidr, contains, formatCidr } from "../net/cidr.ts";
import { equalIp, formatIp, type IpAddress } from "../net/ip.ts";
import { deniedByDefault, embeddedIpv4 } from "../net/special-ranges.ts";
import type { LiveRelays } from "./ports.ts";

/** Whether data may go to a peer, and the rule that says so, as `icebreaker explain-peer` prints it. */
export interface Judgement {
  readonly allowed: boolean;
  readonly rule: string;
}

/** May data go to this peer. */
export interface PeerPolicy {
  /** For CreatePermission: the port means nothing (RFC 8656 §10.2). */
  judgeIp(ip: IpAddress): Judgement;
  /** For ChannelBind, Send and Connect. */
  judge(peer: TransportAddress): Judgement;
}

/** What an operator says about peers, and what is ours. */
export interface PeerRuleSettings {
  /** `relay.peers.allow`, `deny` and `only`. */
  readonly allow: readonly Cidr[];
  readonly deny: readonly Cidr[];
  readonly only: readonly Cidr[];
  /** `relay.peers.min_port`. */
  readonly minPort: number;
  /** Every local and external address of the host, and the database's: now, if it is a list; at each question, if it is asked. */
  readonly own: readonly IpAddress[] | (() => readonly IpAddress[]);
  readonly relays: LiveRelays;
}

/**
 * The rules, in their order; the first that applies decides: a live relayed address of ours is allowed, ports are denied,
 * `allow` allows, `deny` denies, `only` allows what it names and denies the rest, our own addresses and the ranges
 * set aside are denied, all else is allowed.
 *
 * An IPv6 address that stands for an IPv4 address is judged by all rules as either, and allowed only if it is as both. So
 * `allow = ["10.1.0.0/16"]` opens 64:ff9b::10.1.2.3 too, which nothing denies as IPv6, but not ::10.1.2.3;
 * `allow = ["64:ff9b::/96"]` opens no private address; and with `only`, both forms must be named.
 */
export class PeerRules implements PeerPolicy {
  readonly #settings: PeerRuleSettings;
  /** The ranges of each list, with the judgement that each stands for. */
  readonly #allow: readonly Rule[];
  readonly #deny: readonly Rule[];
  readonly #only: readonly Rule[];

  constructor(settings: PeerRuleSettings) {
    const { allow, deny, only } = settings;
    this.#settings = settings;
    this.#allow = allow.map((range) => ({ range, says: allowed(`allowed by relay.peers.allow: ${formatCidr(range)}`) }));
    this.#deny = deny.map((range) => ({ range, says: denied(`denied by relay.peers.deny: ${formatCidr(range)}`) }));
    this.#only = only.map((range) => ({ range, says: allowed(`allowed by relay.peers.only: ${formatCidr(range)}`) }));
  }

  judgeIp(ip: IpAddress): Judgement {
    if (this.#settings.relays.hasAddress(ip)) return ONE_OF_OURS;
    return this.#judgeForms(ip);
  }

  judge(peer: TransportAddress): Judgement {
    const { relays, minPort } = this.#settings;
    if (peer.port === 0) return denied("denied: port 0");
    if (relays.isLive(peer)) return LIVE_RELAY;
    if (peer.port < minPort) return denied(`denied by relay.peers.min_port: ports below ${minPort}`);
    return this.#judgeForms(peer.ip);
  }

  #judgeForms(ip: IpAddress): Judgement {
    const asItIs = this.#judgeForm(ip);
    const embedded = embeddedIpv4(ip);
    if (embedded === undefined || !asItIs.allowed) return asItIs;
    const asIpv4 = this.#judgeForm(embedded);
    if (asIpv4 === NO_RULE) return asItIs;
    return { allowed: asIpv4.allowed, rule: `${asIpv4.rule}, as ${formatIp(embedded)}` };
  }

  #judgeForm(ip: IpAddress): Judgement {
    const { own } = this.#settings;
    const said = first(this.#allow, ip) ?? first(this.#deny, ip);
    if (said !== undefined) return said;
    if (this.#only.length > 0) return first(this.#only, ip) ?? NOT_NAMED;
    const ours = typeof own === "function" ? own() : own;
    if (ours.some((address) => equalIp(address, ip))) return denied("denied by default: an address of this host or its database");
    const special = deniedByDefault(ip);
    if (special) return denied(`denied by default: ${formatCidr(special.range)} (${special.name})`);
    return NO_RULE;
  }
}

/** A range that an operator has named, and what that means for its addresses. */
interface Rule {
  readonly range: Cidr;
  readonly says: Judgement;
}

const NO_RULE = allowed("allowed: no rule denies it");
const ONE_OF_OURS = allowed("allowed: relayed addresses of this gateway have it");
const LIVE_RELAY = allowed("allowed: a live relayed address of this gateway");
const NOT_NAMED = denied("denied by relay.peers.only");

/** What the first range that holds an address says. */
function first(rules: readonly Rule[], ip: IpAddress): Judgement | undefined {
  for (const { range, says } of rules) if (contains(range, ip)) return says;
  return undefined;
}

function allowed(rule: string): Judgement {
  return { allowed: true, rule };
}

function denied(rule: string): Judgement {
  return { allowed: false, rule };
}
