import type { KnownUsername } from "../credentials/authority.ts";
import type { FiveTuple } from "../net/address.ts";
import type { Message } from "../stun/message.ts";

/** A request that came in; nobody knows yet from whom. */
export interface Request {
  readonly message: Message;
  readonly from: FiveTuple;
  /** `from` as a map key. */
  readonly tuple: string;
}

/** A request whose sender has proven a username's password, with a nonce of ours. */
export interface AuthenticatedRequest extends Request {
  readonly username: string;
  readonly known: KnownUsername;
  /** The long-term key that answers are signed with. */
  readonly key: Uint8Array;
  /** Whether MESSAGE-INTEGRITY-SHA256 proved it; answers then carry that one. */
  readonly sha256: boolean;
}
