import type { Newcomers } from "../directory/directory.ts";
import type { Regions } from "../directory/regions.ts";
import type { Health } from "../http/services.ts";
import type { Line } from "../observe/narrate.ts";
import type { AlternateServer } from "../turn/alternate.ts";
import type { ShardMessage } from "../turn/shard-message.ts";
import type { EdgeSettings, ShardSettings } from "./plan.ts";

/** The rows of all gateways that are alive, as the directory takes them. */
export type GatewayRows = Parameters<Regions["setGateways"]>[0];

/** What main tells a thread. */
export type ToThread =
  /** A change of the directory, as one JSON text; to be answered by `taken` with the same number. */
  | { readonly kind: "change"; readonly text: string; readonly number: number }
  /** What may be minted with, and whom for, now that every thread has taken in the change. */
  | { readonly kind: "admit"; readonly newcomers: Newcomers }
  | { readonly kind: "settings"; readonly settings: ShardSettings; readonly edge: EdgeSettings }
  | { readonly kind: "gateways"; readonly gateways: GatewayRows }
  /** Other gateways of the region that take new allocations. */
  | { readonly kind: "alternates"; readonly servers: readonly AlternateServer[] }
  | { readonly kind: "health"; readonly health: Health }
  /** A certificate chain and its key, in PEM. */
  | { readonly kind: "certificate"; readonly certificate: string; readonly key: string }
  /** The answer to `revoke` with the same number; `false` if the database does not take it now. */
  | { readonly kind: "revoked"; readonly number: number; readonly done: boolean }
  /** Word from another shard. */
  | { readonly kind: "fromShard"; readonly message: ShardMessage }
  /** No new allocations. */
  | { readonly kind: "drain" }
  /** End every allocation, say so, and answer `stopped`. */
  | { readonly kind: "stop" };

/** What a thread tells main. */
export type FromThread =
  /** It serves; `wake` is the descriptor that makes a thread look into its mailbox which never yields. */
  | { readonly kind: "ready"; readonly wake?: number }
  | { readonly kind: "lines"; readonly lines: readonly Line[] }
  /** The database is main's: a revocation to write, answered by `revoked`. */
  | { readonly kind: "revoke"; readonly number: number; readonly username: string; readonly expiresUnixMs: number }
  /** Word for another shard. */
  | { readonly kind: "toShard"; readonly shard: number; readonly message: ShardMessage }
  /** The change with this number is in force here. */
  | { readonly kind: "taken"; readonly number: number }
  /** A mistake of our own, for the log. */
  | { readonly kind: "error"; readonly fields: Readonly<Record<string, unknown>>; readonly text: string }
  | { readonly kind: "stopped" };
