import type { IpAddress } from "../net/ip.ts";

/** Replies to those who have proven nothing. */
export interface ReplyBudget {
  /** Whether one more reply may go to a source; counts it if so. */
  allows(source: IpAddress, nowMs: number): boolean;
}
