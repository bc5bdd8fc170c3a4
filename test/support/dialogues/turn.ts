/** Peers of a dialogue: two ports of one address, another family, and one that nobody lets through. */
export type PeerName = "P1" | "P2" | "IPv6" | "port 0";

/** The requests of STUN and TURN. */
export type Method = "Binding" | "Allocate" | "Refresh" | "CreatePermission" | "ChannelBind";

/** What a request has in it, in the order of the keys. */
export interface Parts {
  readonly transport?: number;
  readonly lifetime?: number;
  readonly family?: 4 | 6 | "unknown";
  readonly additional?: 4 | 6;
  /** EVEN-PORT, and whether with R. */
  readonly evenPort?: boolean;
  readonly token?: "given" | "unknown";
  readonly dontFragment?: true;
  readonly channel?: number;
  readonly peers?: readonly PeerName[];
  /** Attributes by type and hexadecimal value. */
  readonly raw?: readonly (readonly [type: number, value: string])[];
}

/** How a request is proven, where it is not as it should be. */
export interface How {
  readonly integrity?: "none" | "sha1" | "sha256";
  readonly without?: readonly ("username" | "realm" | "nonce")[];
  readonly username?: "another" | "unknown";
  readonly password?: "wrong";
  readonly nonce?: "strange" | "empty";
  readonly fingerprint?: "right" | "wrong";
}

/** One thing that a client does, or has done to it. */
export type Turn =
  | { readonly ask: Method; readonly has?: Parts; readonly how?: How }
  /** The last request, octet by octet. */
  | { readonly again: true }
  | { readonly send: PeerName; readonly text: string; readonly whole?: true }
  | { readonly over: number; readonly text: string }
  /** A peer sends to the relayed address. */
  | { readonly hear: PeerName; readonly text: string }
  /** Octets as they are. */
  | { readonly raw: string; readonly label: string };

/** A client's words to a server, one after the other on one five-tuple. */
export interface Dialogue {
  readonly name: string;
  readonly turns: readonly Turn[];
}

/** What came of a turn, as far as it can be compared between two servers. */
export interface Outcome {
  /** `success`, an error code, `silence`; for data, where it arrived and how. */
  readonly what: string;
  /** Names of the attributes of an answer, those of every answer of a server left out. */
  readonly attributes: readonly string[];
  /** Values that must be the same, by name. */
  readonly values: readonly string[];
}

/** A turn in a word or two, for tables. */
export function labelOf(turn: Turn): string {
  if ("ask" in turn) return turn.ask;
  if ("again" in turn) return "a retransmission";
  if ("send" in turn) return "Send";
  if ("over" in turn) return "ChannelData";
  if ("hear" in turn) return "data from a peer";
  return turn.label;
}
