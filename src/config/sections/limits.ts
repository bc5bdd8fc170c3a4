import { Type } from "@sinclair/typebox";
import { closed } from "./closed.ts";

const MAX_COUNT = 2 ** 31;
const MAX_OCTETS_PER_SECOND = 1e12;

const limit = (value: number, description: string, maximum = MAX_COUNT) =>
  Type.Integer({ default: value, minimum: 0, maximum, description });

/** `[limits]`: 0 is no limit, in every line. */
export const LimitsSection = Type.Object(
  {
    allocations_per_credential: limit(
      10_000,
      "For each client address. All who mint in one second without a label share one pair: this bounds a crowd.",
    ),
    allocations_per_label: limit(
      100,
      "For each client address: bounds one person (a mesh call from a laptop with two networks needs 40); give each a label.",
    ),
    allocations_per_project: limit(0, "Live allocations of a project on this gateway."),
    bandwidth_per_allocation: limit(
      0,
      "Octets per second, each direction, within 5 % in any second. Datagrams beyond it are dropped and counted.",
      MAX_OCTETS_PER_SECOND,
    ),
    peers_per_allocation: limit(
      256,
      "Distinct peer addresses over an allocation's life; permissions and channels are 64 at a time.",
    ),
    mints_per_key_per_minute: limit(6000, "Credentials that one API key can mint in a minute."),
    unauthenticated_replies_per_second: limit(
      400,
      "UDP, to one source (IPv4 /32, IPv6 /64), with a burst of 5 seconds' worth; ten times that to its /24 or /48. A thousand people behind one address may join a meeting at once; a request with a valid nonce never counts.",
    ),
  },
  { ...closed, description: "0: no limit, in every line." },
);
