import type { TransportAddress } from "../net/address.ts";
import type { IpAddress } from "../net/ip.ts";

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
