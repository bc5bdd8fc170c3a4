import { type StaticDecode, Type } from "@sinclair/typebox";
import type { Complaint } from "../complain.ts";
import { formatAddress, type TransportAddress } from "../../net/address.ts";
import { formatIp } from "../../net/ip.ts";
import { CidrText, ListenText } from "../formats.ts";
import { closed } from "./closed.ts";

/** `[listen]`: each a list, each may be empty. */
export const ListenSection = Type.Object(
  {
    udp: Type.Array(ListenText(), {
      restart: true,
      default: ["[::]:3478"],
      description:
        "STUN and TURN over UDP. Two addresses with the same two ports each (four entries) turn on RFC 5780, the discovery of NAT behaviour.",
    }),
    tcp: Type.Array(ListenText(), { restart: true, default: ["[::]:3478"], description: "STUN and TURN over TCP." }),
    tls: Type.Array(ListenText(), {
      restart: true,
      default: ["[::]:443"],
      description: "TURN over TLS and the HTTPS API on one port.",
    }),
    http: Type.Array(ListenText(), {
      restart: true,
      default: ["127.0.0.1:8080"],
      description: "The same API without TLS, for a reverse proxy or this machine.",
    }),
    metrics: Type.Array(ListenText(), {
      restart: true,
      default: ["127.0.0.1:9641"],
      description: "`/metrics`, `/healthz` and `/readyz`.",
    }),
    proxy_protocol: Type.Array(CidrText(), {
      restart: true,
      default: [],
      description: "CIDRs whose TCP and TLS connections begin with a PROXY v1 or v2 header.",
    }),
    trusted_proxies: Type.Array(CidrText(), {
      default: [],
      description: "CIDRs whose `X-Forwarded-For` counts on `listen.http`.",
    }),
  },
  {
    ...closed,
    description:
      'Each is a list, and each may be empty: that listener is off. `"[::]:p"` is dual stack. A default port that is refused is replaced, and a line says so; a port that was configured never is.',
  },
);

export type ListenSection = StaticDecode<typeof ListenSection>;

type Kind = "udp" | "tcp" | "tls" | "http" | "metrics";

/** Two listeners on one address and port would share its clients by chance; UDP and TCP do not meet. */
export function* listenComplaints(listen: ListenSection): Generator<Complaint> {
  yield* clashes(["udp"], listen);
  yield* clashes(["tcp", "tls", "http", "metrics"], listen);
}

function* clashes(kinds: readonly Kind[], listen: ListenSection): Generator<Complaint> {
  const taken: { readonly key: string; readonly address: TransportAddress }[] = [];
  for (const kind of kinds) {
    const key = `listen.${kind}`;
    for (const address of listen[kind].filter(({ port }) => port !== 0)) {
      const text = formatAddress(address);
      const other = taken.find((before) => meets(before.address, address));
      const same = other !== undefined && formatAddress(other.address) === text;
      if (other !== undefined && !same) {
        const whose = other.key === key ? "" : ` of ${other.key}`;
        yield {
          key,
          problem: `has ${text}, which meets ${formatAddress(other.address)}${whose}`,
          remedy: "give each its own port",
        };
      } else if (other?.key === key) yield { key, problem: `has ${text} twice`, remedy: "take one out" };
      else if (other !== undefined)
        yield { key, problem: `has ${text}, and so has ${other.key}`, remedy: "give each its own port" };
      taken.push({ key, address });
    }
  }
}

/** Whether some datagram or connection would be for both: a wildcard takes every address of its family, `[::]` of both. */
function meets(one: TransportAddress, other: TransportAddress): boolean {
  if (one.port !== other.port) return false;
  const [a, b] = [formatIp(one.ip), formatIp(other.ip)];
  if (a === b || a === "::" || b === "::") return true;
  return one.ip.family === other.ip.family && (a === "0.0.0.0" || b === "0.0.0.0");
}
