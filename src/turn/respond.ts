import type { Instant } from "../lib/time.ts";
import { PASSWORD_ALGORITHM, type PasswordAlgorithm } from "../stun/attributes/password-algorithm.ts";
import { ATTRIBUTE } from "../stun/attributes.ts";
import { type KnownErrorCode, reasonFor } from "../stun/errors.ts";
import { CLASS } from "../stun/header.ts";
import { MessageBuilder } from "../stun/message.ts";
import type { Action } from "./action.ts";
import type { AuthenticatedRequest, Request } from "./request.ts";
import { SOFTWARE } from "./settings.ts";
import type { TurnState } from "./state.ts";

/** An answer, on its way. */
export type Send = Extract<Action, { readonly kind: "send" }>;

/** What streams are offered, the best first (RFC 8489 §9.2.3). */
export const OFFERED_ALGORITHMS: readonly PasswordAlgorithm[] = [PASSWORD_ALGORITHM.sha256, PASSWORD_ALGORITHM.md5].map(
  (algorithm) => ({ algorithm, parameters: new Uint8Array(0) }),
);

/** Begins a success response; {@link answer} ends it. */
export function success({ message }: Request): MessageBuilder {
  return new MessageBuilder(message.method, CLASS.success, message.transactionId);
}

/** Ends an answer to somebody who has proven a password: named, signed as the request was, and sent. */
export function answer(request: AuthenticatedRequest, builder: MessageBuilder): Send {
  builder.add(ATTRIBUTE.software, SOFTWARE);
  if (request.sha256) builder.signSha256(request.key);
  else builder.sign(request.key);
  return seal(request, builder);
}

/**
 * Refuses a request of somebody who has proven a password.
 *
 * @param say adds what else the answer says
 */
export function reject(
  request: AuthenticatedRequest,
  code: KnownErrorCode,
  unknown: readonly number[] = [],
  say: (builder: MessageBuilder) => void = () => {},
): Action[] {
  const builder = error(request, code, reasonFor(code));
  if (unknown.length > 0) builder.add(ATTRIBUTE.unknownAttributes, unknown);
  say(builder);
  return [rejected(request, code, request.username), answer(request, builder)];
}

/** Refuses a request of somebody who has proven nothing: as few octets as can be, and no signature. */
export function refuse(request: Request, code: KnownErrorCode, unknown: readonly number[] = []): Action[] {
  const builder = error(request, code, courtesy(request, code));
  if (unknown.length > 0) builder.add(ATTRIBUTE.unknownAttributes, unknown);
  return [rejected(request, code), seal(request, builder)];
}

/**
 * Asks for (better) credentials. Whatever is wrong, the octets are the same but for code, transaction id and nonce.
 *
 * @param first nothing was tried yet: every client gets this one, so it is not told about
 * @param username whose password was proven, where only the nonce is old
 * @see RFC 8489 §9.2.4
 */
export function challenge(
  state: TurnState,
  request: Request,
  { code, first, username }: { readonly code: 401 | 438; readonly first?: boolean; readonly username?: string },
  now: Instant,
): Action[] {
  const builder = error(request, code, courtesy(request, code))
    .add(ATTRIBUTE.realm, state.settings.realm)
    .add(ATTRIBUTE.nonce, state.nonces.issue(request.from, now));
  if (request.from.transport !== "udp") builder.add(ATTRIBUTE.passwordAlgorithms, OFFERED_ALGORITHMS);
  const sent = seal(request, builder);
  return first === true ? [sent] : [rejected(request, code, username), sent];
}

/** Ends an answer that is not signed: FINGERPRINT if the request had one. */
export function seal({ message, from }: Request, builder: MessageBuilder): Send {
  if (message.has(ATTRIBUTE.fingerprint.type)) builder.fingerprint();
  return { kind: "send", to: from, bytes: builder.build() };
}

function error({ message }: Request, code: KnownErrorCode, reason: string): MessageBuilder {
  const builder = new MessageBuilder(message.method, CLASS.error, message.transactionId);
  return builder.add(ATTRIBUTE.errorCode, { code, reason });
}

/** The reason phrase before proof: none over UDP, where the source may be somebody else. */
function courtesy({ from }: Request, code: KnownErrorCode): string {
  return from.transport === "udp" ? "" : reasonFor(code);
}

function rejected({ message, from }: Request, code: KnownErrorCode, username?: string): Action {
  const { method } = message;
  return {
    kind: "report",
    event: { type: "rejected", method, code, from, ...(username === undefined ? {} : { username }) },
  };
}
