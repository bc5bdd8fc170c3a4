import type { Random } from "../../../src/lib/random.ts";
import { seededRandom } from "../seeded-random.ts";
import type { Dialogue, Parts, PeerName, Turn } from "./turn.ts";

const PEERS: readonly PeerName[] = ["P1", "P1", "P2", "IPv6"];
const CHANNELS = [0x4000, 0x4000, 0x4001, 0x4fff, 0x3fff];

/** A dialogue of chance; the same for the same seed. */
export function randomDialogue(seed: number): Dialogue {
  const random = seededRandom(seed);
  const first: Turn[] = random.below(10) === 0 ? [] : [{ ask: "Allocate", has: { transport: 17, ...allocateParts(random) } }];
  const turns = Array.from({ length: 3 + random.below(5) }, () => turn(random));
  return { name: `seed ${seed}`, turns: [...first, ...turns] };
}

function turn(random: Random): Turn {
  const dice = random.below(20);
  const peer = one(PEERS, random);
  const channel = one(CHANNELS, random);
  if (dice < 1) return { ask: "Allocate", has: { transport: one([17, 17, 6], random), ...allocateParts(random) } };
  if (dice < 4) return { ask: "Refresh", has: refreshParts(random) };
  if (dice < 8) return { ask: "CreatePermission", has: { peers: random.below(4) === 0 ? [peer, one(PEERS, random)] : [peer] } };
  if (dice < 12) return { ask: "ChannelBind", has: { channel, peers: [peer] } };
  if (dice < 13) return { again: true };
  if (dice < 15) return { send: peer, text: "sent" };
  // A stream that has lost its step is closed here: what follows from that is no difference of its own.
  if (dice < 17) return { over: Math.max(0x4000, channel), text: "over a channel" };
  return { hear: peer, text: "heard" };
}

function allocateParts(random: Random): Parts {
  return {
    ...(random.below(3) === 0 && { lifetime: one([0, 700, 5000], random) }),
    ...(random.below(6) === 0 && { family: one([4, 6] as const, random) }),
    ...(random.below(6) === 0 && { additional: 6 as const }),
    ...(random.below(6) === 0 && { evenPort: random.below(2) === 0 }),
  };
}

function refreshParts(random: Random): Parts {
  return {
    ...(random.below(2) === 0 && { lifetime: one([0, 601, 3600, 9999], random) }),
    ...(random.below(4) === 0 && { family: one([4, 6] as const, random) }),
  };
}

function one<T>(choices: readonly T[], random: Random): T {
  const [choice] = choices.slice(random.below(choices.length)).map((value) => ({ value }));
  if (choice === undefined) throw new RangeError("There is nothing to choose from");
  return choice.value;
}
