import { type IpAddress, isIp } from "../net/ip.ts";
import { ATTRIBUTE } from "../stun/attributes.ts";
import type { Action } from "./action.ts";
import type { AuthenticatedRequest } from "./request.ts";
import { reject } from "./respond.ts";
import type { TurnState } from "./state.ts";

/** Another gateway of the region that takes new allocations: one of its addresses, and its ports. */
export interface AlternateServer {
  readonly ip: IpAddress;
  /** What its certificate names. */
  readonly hostname: string;
  readonly udp?: number | undefined;
  readonly tcp?: number | undefined;
  readonly tls?: number | undefined;
}

/**
 * Sends a client elsewhere, for nothing new begins here: 300, where another gateway can be reached as the client
 * reached us, and beside its address the one of the other family if it has one; else 508.
 *
 * @see RFC 8489 §10; RFC 8656 §7.2
 */
export function sendElsewhere(state: TurnState, request: AuthenticatedRequest): Action[] {
  const { transport, client } = request.from;
  const candidates = state.alternates.flatMap(({ ip, hostname, [transport]: port }) => {
    return port === undefined || ip.family !== client.ip.family ? [] : [{ address: { ip, port }, hostname }];
  });
  if (candidates.length === 0) return reject(request, 508);
  const chosen = candidates[state.dependencies.random.below(candidates.length)];
  if (chosen === undefined) return reject(request, 508);
  const { hostname, address } = chosen;
  return reject(request, 300, [], (builder) => {
    builder.add(ATTRIBUTE.alternateServer, address);
    for (const other of state.alternates) {
      const port = other[transport];
      if (other.hostname !== hostname || other.ip.family === address.ip.family || port === undefined) continue;
      builder.add(ATTRIBUTE.alternateServer, { ip: other.ip, port });
      break;
    }
    // Over TLS the certificate is checked against a name, and an address is none.
    if (transport === "tls" && !isIp(hostname)) builder.add(ATTRIBUTE.alternateDomain, hostname);
  });
}
