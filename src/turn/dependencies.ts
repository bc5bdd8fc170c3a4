import type { Authority } from "../credentials/authority.ts";
import type { Traffic } from "../forward/traffic.ts";
import type { PeerPolicy } from "../policy/peers.ts";
import type { Pressure } from "../policy/pressure.ts";
import type { Quota } from "../policy/quota.ts";
import type { ReplyBudget } from "../policy/rate.ts";
import type { Random } from "../lib/random.ts";
import type { Secret } from "../lib/secret.ts";
import type { RelayPorts } from "./relay-ports.ts";

/** What an engine asks while it thinks; each answers at once. */
export interface EngineDependencies {
  /** This shard's number among those of the process. */
  readonly shard: number;
  /** How many shards there are. */
  readonly shards: number;
  readonly authority: Authority;
  readonly quota: Quota;
  readonly peers: PeerPolicy;
  readonly relays: RelayPorts;
  readonly traffic: Traffic;
  /** Replies to sources that have proven nothing, over UDP. */
  readonly budget: ReplyBudget;
  /** What to leave undone when there is too much; without it everything is done. */
  readonly pressure?: Pressure | undefined;
  readonly random: Random;
  /** 32 octets that all threads share: nonces and tickets of one are good on all. */
  readonly nonceSecret: Secret;
}
