import type { KnownUsername } from "../credentials/authority.ts";
import type { Instant } from "../lib/time.ts";
import { PASSWORD_ALGORITHM } from "../stun/attributes/password-algorithm.ts";
import { ATTRIBUTE } from "../stun/attributes.ts";
import { METHOD } from "../stun/header.ts";
import { verifyIntegrity, verifyIntegritySha256 } from "../stun/integrity.ts";
import type { AuthenticatedRequest, Request } from "./request.ts";
import { OFFERED_ALGORITHMS } from "./respond.ts";
import type { TurnState } from "./state.ts";

/** Why a request proves nothing. */
export type Refusal =
  /** Parts are missing, or an algorithm was not offered. */
  { readonly code: 400 } | { readonly code: 401; readonly first: boolean } | { readonly code: 438; readonly username: string };

/** What unknown usernames are checked against, so that they take as long as known ones. */
const NO_KEY = new Uint8Array(16);

/**
 * The long-term credential mechanism, in the order of RFC 8489 §9.2.4.
 *
 * @param freshNonce whether NONCE is a valid one of ours; it is judged last all the same
 */
export function authenticate(
  state: TurnState,
  request: Request,
  freshNonce: boolean,
  now: Instant,
): AuthenticatedRequest | Refusal {
  const { message } = request;
  const sha256 = message.holds(ATTRIBUTE.messageIntegritySha256);
  if (!sha256 && !message.holds(ATTRIBUTE.messageIntegrity)) return { code: 401, first: true };

  const { username } = message;
  const named = username !== undefined || message.holds(ATTRIBUTE.userhash);
  if (!named || !message.holds(ATTRIBUTE.realm) || !message.holds(ATTRIBUTE.nonce)) return { code: 400 };
  const algorithm = passwordAlgorithm(request);
  if (algorithm === undefined) return { code: 400 };
  if (username === undefined) return { code: 401, first: false };

  const known = state.dependencies.authority.judge(username, now);
  const { realm } = state.settings;
  const withSha256 = algorithm === PASSWORD_ALGORITHM.sha256;
  const key = known === undefined ? NO_KEY : state.keys.keyOf(username, realm, known.password, withSha256);
  const proven = sha256 ? verifyIntegritySha256(message, key) : verifyIntegrity(message, key);
  if (known === undefined || !proven || !isInForce(state, request, username, known, now)) return { code: 401, first: false };
  if (!freshNonce) return { code: 438, username };

  const remembered = state.keys.remember(username, realm, known.password, withSha256, key);
  return { message, from: request.from, tuple: request.tuple, username: remembered, known, key, sha256 };
}

/**
 * Whether a credential counts: until it expires, and after that for an allocation of its own that may outlive it, or
 * for the ticket of one that may: its owner then looks whose it is.
 */
function isInForce(state: TurnState, request: Request, username: string, known: KnownUsername, now: Instant): boolean {
  if (now.unixMs < known.expiresUnixMs) return true;
  if (request.message.method === METHOD.allocate) return false;
  const { mobilityTicket, method } = request.message;
  // Whose the connection is, and whether it outlives its credential, its owner knows.
  if (method === METHOD.connectionBind) return true;
  if (method === METHOD.refresh && mobilityTicket !== undefined) {
    return state.tickets.open(mobilityTicket)?.outlivesCredential === true;
  }
  const allocation = state.at(request.tuple);
  return allocation?.outlivesCredential === true && allocation.facts.username === username;
}

/**
 * How the key is made of the password. On streams the client's list must be the one that was offered, which a
 * go-between might have shortened (RFC 8489 §9.2.4); over UDP nothing was offered.
 */
function passwordAlgorithm({ message, from }: Request): number | undefined {
  if (from.transport === "udp") return PASSWORD_ALGORITHM.md5;
  const { passwordAlgorithm: chosen, passwordAlgorithms: offered } = message;
  if (chosen === undefined && offered === undefined) return PASSWORD_ALGORITHM.md5;
  if (chosen === undefined || offered?.length !== OFFERED_ALGORITHMS.length) return undefined;
  const isSame = OFFERED_ALGORITHMS.every(({ algorithm }, i) => offered[i]?.algorithm === algorithm);
  return isSame && OFFERED_ALGORITHMS.some(({ algorithm }) => algorithm === chosen.algorithm) ? chosen.algorithm : undefined;
}
