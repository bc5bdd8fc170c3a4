import type { IpAddress } from "../net/ip.ts";

/** For whom an allocation is counted. */
export interface QuotaClaim {
  readonly project: string;
  readonly username: string;
  readonly label: string | undefined;
  readonly client: IpAddress;
}

/** Limits on allocations at a time; 0 is no limit. */
export interface QuotaLimits {
  readonly perCredential: number;
  readonly perLabel: number;
  readonly perProject: number;
}

/** Counts live allocations. */
export interface Quota {
  /** Counts one more. `quota`: a limit is reached (486); `full`: there is no room to count (508). Nothing is counted then. */
  reserve(claim: QuotaClaim): "reserved" | "quota" | "full";
  /** Counts one less: once for each `reserved`. */
  release(claim: QuotaClaim): void;
}
