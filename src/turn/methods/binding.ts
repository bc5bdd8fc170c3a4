import { equalAddress, type TransportAddress } from "../../net/address.ts";
import { ATTRIBUTE, mustBeUnderstood } from "../../stun/attributes.ts";
import type { Action } from "../action.ts";
import type { Request } from "../request.ts";
import { refuse, seal, success } from "../respond.ts";
import type { EngineSettings } from "../settings.ts";

/** Attributes of RFC 5780 that change where an answer goes to or comes from: unknown where we cannot do that. */
const NEVER_UNDERSTOOD = [ATTRIBUTE.padding.type, ATTRIBUTE.responsePort.type];

/**
 * Binding: the address that the client is seen at. Needs no credentials.
 *
 * @see RFC 8489 §6.3.1; RFC 5780 §6.1 where two addresses are configured
 */
export function binding(settings: EngineSettings, request: Request): readonly Action[] {
  const { message, from } = request;
  const here = settings.behaviorDiscovery.findIndex((address) => equalAddress(address, from.server));
  const discovers = here >= 0 && from.transport === "udp";

  const notUnderstood = discovers ? NEVER_UNDERSTOOD : [...NEVER_UNDERSTOOD, ATTRIBUTE.changeRequest.type];
  const unknown = [...message.unknownRequired, ...notUnderstood.filter((type) => message.has(type))];
  if (unknown.length > 0) return refuse(request, 420, unknown);
  if (message.malformed.some(mustBeUnderstood)) return refuse(request, 400);

  const reply = success(request).add(ATTRIBUTE.xorMappedAddress, from.client);
  if (!discovers) return [seal(request, reply)];

  const { ip = false, port = false } = message.changeRequest ?? {};
  const origin = other(settings, here, ip, port);
  const opposite = other(settings, here, true, true);
  if (origin === undefined || opposite === undefined) return [seal(request, reply)];
  reply.add(ATTRIBUTE.responseOrigin, origin).add(ATTRIBUTE.otherAddress, opposite);
  const sent = seal(request, reply);
  return [ip || port ? { ...sent, source: origin } : sent];
}

/** One of our four addresses, from another: they stand in the order A1:P1, A1:P2, A2:P1, A2:P2. */
function other(settings: EngineSettings, here: number, ip: boolean, port: boolean): TransportAddress | undefined {
  return settings.behaviorDiscovery[here ^ (ip ? 2 : 0) ^ (port ? 1 : 0)];
}
