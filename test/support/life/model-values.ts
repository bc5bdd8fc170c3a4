import type { ModelAllocation, ModelConnection, ModelTotals } from "./model-allocation.ts";
import type { Kind } from "./step.ts";

/** Who asks: on which five-tuple, with whose credential, from where. */
export interface Asker {
  readonly tuple: number;
  readonly username: string;
  readonly clientIp: string;
}

/** What a request is, as far as its credentials matter: a ticket may have expired credentials accepted. */
export type Asked = "allocate" | "connect" | "connectionBind" | "other" | { readonly ticket: ModelTicket | undefined };

/** A MOBILITY-TICKET that a client was given. */
export interface ModelTicket {
  readonly allocation: ModelAllocation;
  readonly generation: number;
}

/** What a client is told without having asked just now (RFC 6062): how its Connect went, or who has connected. */
export type Notice =
  | {
      readonly tuple: number;
      readonly transaction: string;
      readonly outcome: "ok" | 447;
      readonly connection: ModelConnection;
      readonly maybe?: boolean;
    }
  | { readonly tuple: number; readonly peer: string; readonly connection: ModelConnection };

/** What an Allocate comes to, but for the ports, which are the server's to choose. */
export interface Grant {
  readonly outcome: "ok" | number;
  readonly existing?: ModelAllocation;
  readonly families: readonly (4 | 6)[];
  readonly missing?: { readonly family: 4 | 6; readonly code: number };
  readonly seconds: number;
  /** The port that a token stands for. */
  readonly port?: number;
}

/** A datagram that arrives: at a client, over a channel or as a Data indication, or at somebody who is no relay of ours. */
export type Arrival =
  | { readonly who: number; readonly channel: number }
  | { readonly who: number; readonly peer: string }
  | { readonly at: string };

/** A live allocation's end. */
export interface ModelEnd {
  readonly totals: ModelTotals;
  readonly reason: string;
}

/** What an Allocate asks for. */
export interface AllocateWish {
  readonly kind: Kind;
  readonly lifetime: number | undefined;
  readonly token: string | undefined;
  readonly transaction: string;
  /** Whether it asks for a ticket. */
  readonly mobile: boolean;
}

/** What a username says. */
export function partsOf(username: string): { expiry: number; project: string; label: string | undefined } {
  const [expiry = "", project = "", label] = username.split(":");
  return { expiry: Number(expiry), project, label };
}
