import { type StaticDecode, Type } from "@sinclair/typebox";
import type { Complaint } from "../complain.ts";
import { formatIp } from "../../net/ip.ts";
import { CidrText, IpText, PortRangeText } from "../formats.ts";
import { closed } from "./closed.ts";

const PeersSection = Type.Object(
  {
    allow: Type.Array(CidrText(), { default: [], description: "CIDRs open although a default or `deny` denies them." }),
    deny: Type.Array(CidrText(), { default: [], description: "CIDRs denied on top of the defaults." }),
    only: Type.Array(CidrText(), {
      default: [],
      description: "Not empty: nothing else is allowed (a gateway in front of an SFU).",
    }),
    min_port: Type.Integer({ default: 1, minimum: 1, maximum: 65_535, description: "Peers' ports below it are denied." }),
  },
  {
    ...closed,
    description:
      "Where relayed packets may go. The first rule that applies decides: live relays of this gateway, `allow`, `deny`, `only`, the denied defaults (private and special-purpose ranges, and every address of this host).",
  },
);

/** `[relay]`: the descriptions here are the reference page, and what `icebreaker config` prints. */
export const RelaySection = Type.Object(
  {
    enabled: Type.Boolean({
      restart: true,
      default: true,
      description: "false: no TURN anywhere; the ICE endpoints return STUN entries only.",
    }),
    address: Type.Array(IpText(), {
      restart: true,
      default: [],
      description:
        "Local addresses that relayed sockets bind, IPv4 and IPv6. Empty: the source addresses of the default routes, one of each family; a private one without `relay.external_address` is a warning at start.",
    }),
    external_address: Type.Array(IpText(), {
      restart: true,
      default: [],
      description: "What XOR-RELAYED-ADDRESS shows instead, pairwise with `relay.address`, behind a 1:1 NAT.",
    }),
    ports: PortRangeText({
      restart: true,
      default: "49152-65535",
      description: "First and last port of relayed transport addresses.",
    }),
    workers: Type.Integer({
      restart: true,
      default: 0,
      minimum: 0,
      maximum: 1024,
      description: "Threads that relay. 0: one for each core.",
    }),
    tcp: Type.Boolean({
      default: false,
      description: "TCP allocations (RFC 6062): a way to connect elsewhere, so off unless wanted.",
    }),
    mobility: Type.Boolean({
      default: true,
      description: "Allocations that follow their client to another address (RFC 8016).",
    }),
    peers: PeersSection,
  },
  closed,
);

export type RelaySection = StaticDecode<typeof RelaySection>;

/** What no key can know alone. A complaint names the key to change, as every failed start must. */
export function* relayComplaints({ address, external_address }: RelaySection): Generator<Complaint> {
  const texts = address.map(formatIp);
  const twice = texts.find((text, i) => texts.indexOf(text) !== i);
  if (twice !== undefined) yield { key: "relay.address", problem: `has ${twice} twice`, remedy: "take one out" };
  if (external_address.length > 0) yield* pairComplaints(address, external_address);
}

type Addresses = RelaySection["address"];

/** Each external address belongs to the local one at its place; without local ones, to the default route of its family. */
function* pairComplaints(local: Addresses, external: Addresses): Generator<Complaint> {
  const key = "relay.external_address";
  if (local.length === 0) {
    if (new Set(external.map(({ family }) => family)).size === external.length) return;
    const problem = "has two addresses of one family, and relay.address is empty";
    yield { key, problem, remedy: "name their local ones in relay.address" };
    return;
  }
  if (external.length !== local.length) {
    const problem = `has ${external.length} addresses for the ${local.length} of relay.address`;
    yield { key, problem, remedy: "give one for each, in the same order" };
    return;
  }
  for (const [i, shown] of external.entries()) {
    const own = local[i];
    if (own === undefined || own.family === shown.family) continue;
    const problem = `pairs ${formatIp(shown)} with ${formatIp(own)} of relay.address`;
    yield { key, problem, remedy: "pair IPv4 with IPv4 and IPv6 with IPv6" };
  }
}
